"""Reaches the silent: takes undelivered messages from a stream to Expo. Knows no sockets and no SQL."""
