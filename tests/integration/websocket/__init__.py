"""The WebSocket on real sockets, with real clients."""
