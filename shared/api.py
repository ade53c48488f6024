"""Persistence's internal routes: their paths and JSON shapes, which gateways and pushers call with the service token.

All are POST. A caller asks for at most `MAX_LOOKUPS` ids at once; an unknown id is absent from the answer.
"""

import msgspec

SESSIONS = "/internal/sessions"
HEADS = "/internal/heads"
EVENTS = "/internal/events"
RECEIPTS = "/internal/receipts"
PEERS = "/internal/peers"
CONVERSATIONS = "/internal/conversations"
PURGE = "/internal/purge"

MAX_LOOKUPS = 1000
MAX_EVENTS = 500
LIVE_PRESENCE_MEMBERS = 50
"""Presence is live only in conversations of up to so many people: its cost grows with their square."""


class Shape(msgspec.Struct, rename="camel", omit_defaults=True):
    pass


class SessionUser(Shape):
    """Who connected, as their token says: the row in Postgres follows it."""

    id: str
    handle: str


class SessionsRequest(Shape):
    users: list[SessionUser]


class Room(Shape):
    """A conversation that the user is in."""

    id: str
    members: int


class Session(Shape):
    """`version` grows by one with each change of the user's memberships."""

    id: str
    version: int
    rooms: list[Room]
    banned: bool = False


class SessionsAnswer(Shape):
    epoch: str
    sessions: list[Session]


class HeadsRequest(Shape):
    conversations: list[str] = []
    users: list[str] = []


class HeadsAnswer(Shape):
    """Read on the primary in one snapshot. A conversation that is gone is absent."""

    epoch: str
    heads: dict[str, int]
    versions: dict[str, int]


class EventsRequest(Shape):
    """The durable events with after < seq <= up_to, at most MAX_EVENTS."""

    conversation_id: str
    after: int
    up_to: int


class LoggedEvent(Shape):
    seq: int
    sender_id: str
    committed_us: int
    frame: msgspec.Raw


class EventsAnswer(Shape):
    """`complete` is false where more events lie between the last one given and `up_to`, or some are missing."""

    epoch: str
    events: list[LoggedEvent]
    last_seq: int
    complete: bool


class ReceiptsRequest(Shape):
    """The receipts of these conversations that moved since `as_of` of the last answer; without it only `as_of`."""

    conversations: list[str]
    as_of: str | None = None


class Receipt(Shape):
    """`status` is a wire.ReceiptStatus."""

    conversation_id: str
    seq: int
    sender_id: str
    frame: msgspec.Raw
    status: int = 0


class ReceiptsAnswer(Shape):
    as_of: str
    receipts: list[Receipt]


class PeersRequest(Shape):
    users: list[str]


class PeersAnswer(Shape):
    """For each user, their conversations in which presence is live."""

    rooms: dict[str, list[str]]


class ConversationsRequest(Shape):
    """These conversations as this user sees them: for a `conversation.new` whose announcement was lost."""

    user_id: str
    conversations: list[str]


class ConversationsAnswer(Shape):
    """Each as in the list of `GET /api/conversations`."""

    conversations: dict[str, msgspec.Raw]


class PurgeRequest(Shape):
    """Removes these conversations and everything in them, for good. Members are told that they left."""

    conversations: list[str]


class PurgeAnswer(Shape):
    purged: int
