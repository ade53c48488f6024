"""One user's socket from its handshake to its end: who may connect, what a client's frames mean, when it is closed."""
