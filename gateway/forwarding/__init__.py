"""The hot path: an envelope from Redis to the sockets of its room, in order, encoded once."""
