"""The deployment's prefix, which stands before each channel in Redis and before none in a gateway."""

from gateway.bus.link import OnMessage


def without(prefix: bytes, on_message: OnMessage) -> OnMessage:
    """The same listener, told of channels without the prefix. Where there is none, it is the listener itself."""
    if not prefix:
        return on_message
    start = len(prefix)
    return lambda channel, payload: on_message(channel[start:], payload)
