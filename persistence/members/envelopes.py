"""The envelopes of changes of membership: for each user, or for the room that one left without an event."""

import msgspec

from persistence.log.publisher import Envelope
from persistence.members.views import Member
from shared import keys, wire


def left(member: Member, conversation_id: str, *, epoch: str) -> Envelope:
    return membership(wire.Kind.LEFT, member, wire.Membership(conversation_id), epoch=epoch)


def withdrawn(conversation_id: str, user_id: str, *, epoch: str) -> Envelope:
    """The user is out of the room, and no event says so."""
    payload = wire.pack(wire.Kind.WITHDRAWN, wire.pack_removed([user_id], b""), epoch=epoch)
    return Envelope(keys.room(conversation_id), payload)


def membership(kind: wire.Kind, member: Member, membership: wire.Membership, *, epoch: str) -> Envelope:
    return to_member(kind, member, msgspec.json.encode(membership), epoch=epoch)


def to_member(kind: wire.Kind, member: Member, encoded: bytes, *, epoch: str) -> Envelope:
    """`encoded` is a `wire.Membership`, which many members may share."""
    return Envelope(keys.user(member.user_id), wire.pack(kind, encoded, seq=member.version, epoch=epoch))
