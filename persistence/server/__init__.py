"""What the app's own server says and asks, by a key: people, conversations, messages, and what happened."""
