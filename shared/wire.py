"""What crosses Redis between processes of possibly different releases: a binary prefix, then bytes to send on.

A gateway reads only the prefix of what it forwards. Versions side by side: another `VERSION` is ignored by its reader
(and healed by the check of the heads), unknown kinds too, and unknown fields of the JSON shapes below are skipped.
"""

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from shared.ids import id_bytes, id_text

VERSION: Final = 1
NOBODY: Final = bytes(16)
_PREFIX: Final = Struct(">BBHQQ16s16s")
PREFIX_BYTES: Final = _PREFIX.size
unpack_prefix = _PREFIX.unpack_from
"""(version, kind, flags, seq, committed_us, sender, epoch) of an envelope, for the gateway's hot path."""


class Kind(IntEnum):
    """What an envelope carries, and so how a gateway treats it."""

    DURABLE = 1
    """A finished frame with a seq of its own: ordered, never lost. On the room's channel."""
    RECEIPT = 2
    """A finished frame; seq is a pointer, `flags` a `ReceiptStatus`. On the room's channel; of a big group, where no
    receipt names a person, and of who tells nobody what they read, that is on the sender's own, for their other
    devices."""
    TYPING_START = 3
    """A finished frame, not for the typist. On the room's channel."""
    TYPING_STOP = 4
    JOINED = 5
    """A `Membership`; seq is the user's membership version. On the user's channel, as the next five."""
    LEFT = 6
    HIDDEN = 7
    """A `Membership`: gone from the list, while the room stays joined so that a new message still arrives live."""
    REVOKED = 8
    """A `Revocation`: close 4503. On the channel of all revocations, or on a user's."""
    BANNED = 9
    """A `Banning`, or nothing from an older release: close 4502."""
    KICKED = 10
    """Close 1012: the user's clients come back at once."""
    PRESENCE = 11
    """A `PresenceChange`, on a presence shard's channel."""
    APPLIED = 13
    """seq is the number of the receipt batch that is now in Postgres. On the gateway's own channel."""
    SPAN = 14
    """The context of the span that publishes the DURABLE of this seq, right before it, and only where that is traced:
    the event itself is the same either way, for what follows its prefix goes to clients. On the room's channel."""
    DRAIN = 15
    """Stop, as by SIGTERM. On the gateway's own channel."""
    EVENT = 16
    """A finished frame, an app's own, for everyone in the room. On the room's channel."""
    DEVICE = 20
    """A `DeviceClaim`: of an older app's sockets this one is the device. On the user's channel, as the next two."""
    DEVICE_GONE = 21
    """A `DeviceClaim`: it was the device, and is over."""
    COUNT = 22
    """A `CountQuestion`: which of the user's sockets live?"""
    COUNTED = 23
    """A `CountAnswer`, on the own channel of the gateway that asked."""
    REMOVED = 17
    """A DURABLE that takes people out: whom, then its finished frame (`pack_removed`). In the order of the room's
    events; whoever is named leaves the room right after it. A gateway of an older release reads it from the log."""
    WITHDRAWN = 24
    """Users who left without an event (`pack_removed`, no frame): out of the room at once; who stays is barred. On the
    room's channel."""
    BARRED = 25
    """A `Membership`: the user stays in a conversation of two in which nothing new is said. On the user's channel, in
    the order of the user's version, as the next."""
    UNBARRED = 26
    PRIVACY = 30
    """A `Privacy`: what the user does not tell others. On the user's channel, in the order of the user's version."""
    USER_FRAME = 18
    """A finished frame for all of a user's devices that are connected now. Not durable, not numbered."""


NO_MESSAGE: Final = 1
"""Bit 0 of a DURABLE's flags: the event counts nowhere. Not spared to its author, ends no typing, not for who hides the
conversation. 0, which every older release wrote, is a message."""
_COUNT_BYTES: Final = 2
_PEOPLE_SHIFT: Final = 3  # bits 1 and 2 are reserved
_MOST_PEOPLE: Final = 2**13 - 1


def event_flags(is_message: bool, people: int) -> int:
    """The flags of a DURABLE. `people`: how many the conversation has after it; 0 for as many as before."""
    return (0 if is_message else NO_MESSAGE) | min(people, _MOST_PEOPLE) << _PEOPLE_SHIFT


def people_of(flags: int) -> int:
    """How many the conversation has after this DURABLE; 0 for as many as before."""
    return flags >> _PEOPLE_SHIFT


class ReceiptStatus(IntEnum):
    """What a receipt says of its sender."""

    UNKNOWN = 0
    """From a release that does not say."""
    DELIVERED = 1
    READ = 2
    ALL = 3
    """Not of its sender, who is NOBODY: the least of all cursors. seq is the sum of the two: it only ever grows."""


class Envelope(NamedTuple):
    kind: int
    seq: int
    committed_us: int
    sender: bytes
    epoch: bytes
    frame: bytes


def pack(
    kind: Kind,
    frame: bytes,
    *,
    flags: int = 0,
    seq: int = 0,
    committed_us: int = 0,
    sender: str | None = None,
    epoch: str | None = None,
) -> bytes:
    """The bytes to publish. `committed_us` is when Postgres had it, `sender` from whom; `flags` are the kind's. What
    names no `epoch` is taken for its own by every deployment that shares the Redis."""
    return (
        _PREFIX.pack(
            VERSION,
            kind,
            flags,
            seq,
            committed_us,
            NOBODY if sender is None else id_bytes(sender),
            id_bytes(epoch) if epoch else NOBODY,
        )
        + frame
    )


def unpack(envelope: bytes) -> Envelope | None:
    """The envelope's parts; None where it is too short or of another version: the caller ignores it."""
    if len(envelope) < PREFIX_BYTES or envelope[0] != VERSION:
        return None
    _, kind, _, seq, committed_us, sender, epoch = unpack_prefix(envelope)
    return Envelope(kind, seq, committed_us, sender, epoch, envelope[PREFIX_BYTES:])


NOBODY_ID: Final = id_text(NOBODY)


def is_foreign(theirs: str, ours: str) -> bool:
    """Whether this is of another deployment that shares the Redis, or of another line of history. What names no epoch
    is of an older release, and counts as one's own."""
    return bool(theirs and ours) and theirs != ours


def pack_removed(users: Sequence[str], frame: bytes) -> bytes:
    """What follows the prefix of a REMOVED."""
    return len(users).to_bytes(_COUNT_BYTES, "big") + b"".join(map(id_bytes, users)) + frame


def split_removed(envelope: bytes) -> tuple[list[bytes], bytes]:
    """Who is taken out by a REMOVED, each as 16 bytes, and its frame."""
    begin = PREFIX_BYTES + _COUNT_BYTES
    end = begin + len(NOBODY) * int.from_bytes(envelope[PREFIX_BYTES:begin], "big")
    return [envelope[at : at + len(NOBODY)] for at in range(begin, end, len(NOBODY))], envelope[end:]


def sender_text(sender: bytes) -> str | None:
    return None if sender == NOBODY else id_text(sender)


class Membership(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A user came into a conversation, left or hid it. `conversation` is the list's JSON object, for JOINED;
    `hidden_seq` is for HIDDEN: what comes above it brings the conversation back."""

    conversation_id: str
    members: int = 0
    last_seq: int = 0
    hidden_seq: int | None = None
    conversation: msgspec.Raw = msgspec.Raw(b"null")


class Banning(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a user is banned, and until when (ISO 8601; None: for ever)."""

    reason: str | None = None
    until: str | None = None


class Privacy(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the user does not tell others, and is not told of them: how far they read, when they were last here."""

    reads_privately: bool = False
    hides_last_seen: bool = False


class Revocation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`session_id` None means every session of the user. `until` (Unix seconds): how long its tokens are refused."""

    session_id: str | None = None
    until: float = 0.0


class DeviceClaim(msgspec.Struct, frozen=True, rename="camel"):
    """Of the sockets without `acks` in this group of one user's the one that was opened then, on this gateway."""

    group: int
    opened_us: int
    gateway: str


class CountQuestion(msgspec.Struct, frozen=True, rename="camel"):
    """Asked by this gateway; the answer repeats the number."""

    gateway: str
    number: int


class CountAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """So many sockets of the user live on this gateway."""

    gateway: str
    number: int
    living: int


class PresenceChange(msgspec.Struct, frozen=True, rename="camel"):
    """`rooms` are the user's conversations of at most 50 members: only there presence is live."""

    user_id: str
    is_online: bool
    last_seen_at: str | None
    rooms: list[str]
