"""What a user has begun to write, over all of their devices."""
