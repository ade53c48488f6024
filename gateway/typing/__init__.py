"""What clients say to a room live and nobody keeps: who is typing, and the app's own events."""
