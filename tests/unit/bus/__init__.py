"""The pure parts of the Redis link."""
