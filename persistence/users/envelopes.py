"""What gateways are told of users who may not go on: their sockets are closed."""

import msgspec

from persistence.log.publisher import Envelope
from shared import keys, wire


def kicked(user_id: str, *, epoch: str) -> Envelope:
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.KICKED, b"", epoch=epoch))


def banned(user_id: str, banning: wire.Banning = wire.Banning(), *, epoch: str) -> Envelope:  # noqa: B008 - frozen
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.BANNED, msgspec.json.encode(banning), epoch=epoch))


def revoked(session_id: str, until: float, *, epoch: str) -> Envelope:
    """`until` in Unix seconds."""
    revocation = msgspec.json.encode(wire.Revocation(session_id, until))
    return Envelope(keys.REVOCATIONS, wire.pack(wire.Kind.REVOKED, revocation, epoch=epoch))
