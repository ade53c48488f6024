"""Persistence's internal routes: their paths and JSON shapes, which gateways and pushers call with the service token.

All are POST. A caller asks for at most `MAX_LOOKUPS` ids at once; an unknown id is absent from the answer.
"""

import msgspec

from shared.auth import Profile
from shared.wire import Privacy

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
LIVE_PRESENCE_ROOMS = 1000
"""Of one person, those of the latest activity: each change of their presence names them all to every gateway."""


class Shape(msgspec.Struct, rename="camel", omit_defaults=True):
    pass


class SessionUser(Shape):
    """Who connected, as their token says: the row in Postgres follows it."""

    id: str
    handle: str
    display_name: str | None = None
    avatar_url: str | None = None

    @classmethod
    def of(cls, user_id: str, profile: Profile) -> "SessionUser":
        return cls(user_id, profile.handle, profile.display_name, profile.avatar_url)


class SessionsRequest(Shape):
    """`session_ids`: the sign-ins that the users' tokens came from, as far as those name one."""

    users: list[SessionUser]
    session_ids: list[str] = []


class Room(Shape):
    """A conversation that the user is in."""

    id: str
    members: int


class Session(Shape):
    """`version` grows by one with each change of the user's memberships.

    `hidden` are those of the rooms that the user does not list, and up to which seq they hid them: what comes above
    that brings them back. None: from an older release, which does not say. `barred` are those in which the user can
    say nothing, because of a block. `handle` is what the user is called; an older release does not say.
    """

    id: str
    version: int
    rooms: list[Room]
    hidden: dict[str, int] | None = None
    banned: bool = False
    barred: list[str] = []
    ban_reason: str | None = None
    banned_until: str | None = None
    privacy: Privacy = Privacy()
    handle: str | None = None


class SessionsAnswer(Shape):
    """`revoked` are those of the `session_ids` whose tokens are refused."""

    epoch: str
    sessions: list[Session]
    revoked: list[str] = []


class HeadsRequest(Shape):
    """`pairs`: for each user, the places in `conversations` of those in which they are believed to be."""

    conversations: list[str] = []
    users: list[str] = []
    pairs: dict[str, list[int]] = {}


class HeadsAnswer(Shape):
    """Read on the primary in one snapshot. A conversation that is gone is absent.

    `counted`: the seq of a conversation's last message (0: none), of those whose head is none. `outside`: of the pairs
    asked about, those in which the user is not; an older release does not say.
    """

    epoch: str
    heads: dict[str, int]
    versions: dict[str, int]
    counted: dict[str, int] = {}
    outside: dict[str, list[str]] = {}


class EventsRequest(Shape):
    """The durable events with after < seq <= up_to, at most MAX_EVENTS. `users`: who is believed to be in there."""

    conversation_id: str
    after: int
    up_to: int
    users: list[str] = []


class LoggedEvent(Shape):
    """`flags` are those of its envelope (`wire.event_flags`); `removed` are the users whom it takes out."""

    seq: int
    sender_id: str
    committed_us: int
    frame: msgspec.Raw
    flags: int = 0
    removed: list[str] = []


class EventsAnswer(Shape):
    """`complete` is false where more events lie between the last one given and `up_to`, or some are missing.

    `outside`: those of the users asked about who are not in the conversation. `counted`: the seq of its last message at
    or below `up_to`, 0 where there is none; None from an older release.
    """

    epoch: str
    events: list[LoggedEvent]
    last_seq: int
    complete: bool
    outside: list[str] = []
    counted: int | None = None


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
    """For each user, their conversations in which presence is live. `discreet` show nobody when they were last here;
    None: from an older release, which does not say."""

    rooms: dict[str, list[str]]
    discreet: list[str] | None = None


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
