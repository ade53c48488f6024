"""Holds the phones' sockets: handshake, rooms, presence and drain. Knows no SQL and no push."""
