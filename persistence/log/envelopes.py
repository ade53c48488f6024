"""The envelopes of the log: what gateways are sent of a durable event, and a finished frame for one user's devices."""

from persistence.log.logged import Logged
from persistence.log.publisher import Envelope
from shared import keys, wire


def event(event: Logged, *, epoch: str, committed_us: int) -> Envelope:
    frame = event.frame()
    payload = wire.pack(
        wire.Kind.REMOVED if event.removed else wire.Kind.DURABLE,
        wire.pack_removed(event.removed, frame) if event.removed else frame,
        flags=event.flags,
        seq=event.seq,
        committed_us=committed_us,
        sender=event.sender_id,
        epoch=epoch,
    )
    return Envelope(keys.room(event.conversation_id), payload)


def span(event: Logged, context: bytes) -> Envelope:
    """To be published right before this event."""
    return Envelope(keys.room(event.conversation_id), wire.pack(wire.Kind.SPAN, context, seq=event.seq))


def user_frame(user_id: str, frame: bytes, *, epoch: str) -> Envelope:
    """A finished frame for all devices of this user that are connected; whatever it tells has a route, too."""
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.USER_FRAME, frame, epoch=epoch))
