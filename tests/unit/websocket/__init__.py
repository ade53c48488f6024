"""The WebSocket protocol without a socket, in the cases that Autobahn names."""
