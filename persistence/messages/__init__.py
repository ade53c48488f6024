"""What happens to a message after it was sent: edited, deleted, pinned, looked at."""
