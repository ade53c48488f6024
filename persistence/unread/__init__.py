"""What a user has not read, over all of their conversations."""
