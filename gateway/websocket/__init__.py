"""One WebSocket, from the upgrade to the last byte (RFC 6455). Knows neither users nor rooms."""
