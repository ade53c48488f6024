"""What the app's own server says to whoever is in a room now, and nobody hears later."""

from persistence.log.publisher import Envelope
from shared import frames, keys, wire


def app_event(conversation_id: str, sender_id: str, name: str, data: bytes, *, epoch: str) -> Envelope:
    """`data` is JSON."""
    frame = frames.event(conversation_id=conversation_id, sender_id=sender_id, name=name, data=data)
    return Envelope(keys.room(conversation_id), wire.pack(wire.Kind.EVENT, frame, sender=sender_id, epoch=epoch))
