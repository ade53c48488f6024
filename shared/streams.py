"""What stands in Redis, between processes of possibly different releases: the entries of streams, the set of deadlines,
the leases of gateways. Unknown fields are skipped; an entry of another `VERSION` waits for whom it concerns.
"""

import msgspec

from shared.wire import VERSION


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a user has come; 0 where nothing was said. `attended` is delivered while a person looked."""

    conversation_id: str
    user_id: str
    delivered: int = 0
    attended: int = 0
    read: int = 0


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A user went offline at this time (ms since 1970)."""

    user_id: str
    at_ms: int


class ReceiptBatch(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An entry of the receipts stream. `again`: it was sent before and its APPLIED did not come back."""

    gateway: str
    number: int
    version: int = VERSION
    again: bool = False
    cursors: list[Cursor] = []
    seen: list[Seen] = []
    epoch: str = ""


class Undelivered(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An entry of the undelivered stream: no device of these users took this message. `at_ms`: its commit.

    `late`: they were online, and their deadline passed. `span`: the context of its publication, where that is traced.
    """

    conversation_id: str
    seq: int
    message_id: str
    sender_id: str
    users: list[str]
    at_ms: int
    version: int = VERSION
    late: bool = False
    span: bytes = b""
    epoch: str = ""


class Deadline(msgspec.Struct, frozen=True, array_like=True):
    """A member of the deadline set: by its score (ms since 1970) every recipient should have taken this message."""

    conversation_id: str
    seq: int
    message_id: str
    sender_id: str
    at_ms: int
    epoch: str = ""


class GatewayStats(msgspec.Struct, frozen=True, rename="camel"):
    """The value of a gateway's lease: what it holds, for `/messages/stats`."""

    connections: int
    rooms: int
    users: int
    started_ms: int
    draining: bool = False
    epoch: str = ""
    """Empty where it does not know yet: then it holds nobody."""
