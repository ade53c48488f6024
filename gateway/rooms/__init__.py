"""Rooms: who is in a conversation here, and in which order its events go out. Knows no Redis and no socket."""
