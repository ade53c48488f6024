"""The shapes of conversations and messages as apps send them. What they refuse stands in the OpenAPI document."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.messages.texts import MAX_OPAQUE_BYTES, MAX_TEXT, fault_of, trimmed
from persistence.rules import Rules
from persistence.store.history import EVERYTHING, Choice, Which
from persistence.store.views import Conversation, Message, Role, RoomMember
from shared import texts
from shared.http.errors import malformed
from shared.http.fields import (
    AS_OF_PATTERN,
    CURSOR_PATTERN,
    IDS_PATTERN,
    LINE_PATTERN,
    MAX_IDS,
    MAX_SEQ,
    PLACE_PATTERN,
    SHOWN_PATTERN,
    TEXT_PATTERN,
    WORD_PATTERN,
    Id,
    Seq,
)
from shared.texts import CONTROLS, INVISIBLE

MAX_DATA_BYTES = 2048
"""As the server writes it: without blanks, in UTF-8."""
RESERVED = ("scheduled:", "call:", "held:")
"""Client ids that begin so are the server's own."""
MAX_NAME = 200
MAX_PEOPLE = 1000
"""In a group, the caller included."""
MAX_PAGE = 100

Text = Annotated[
    str,
    Meta(
        pattern=TEXT_PATTERN,
        description=f"1 to {MAX_TEXT} characters after trimming, of which something must show; no control characters"
        " but tab and newline; may be empty or left out beside `mediaUrl`",
    ),
]
Name = Annotated[
    str,
    Meta(
        pattern=LINE_PATTERN,
        max_length=MAX_NAME,
        description="of a group; blank means none; kept on one line, without control and bidi characters",
    ),
]
BountyText = Annotated[str, Meta(pattern=WORD_PATTERN, max_length=200)]
BountyNumber = Annotated[int, Meta(ge=-MAX_SEQ, le=MAX_SEQ)]
ClientId = Annotated[
    str,
    Meta(
        pattern=WORD_PATTERN,
        min_length=1,
        max_length=64,
        description="chosen by the app, one for each message: sent again, it gives the first message back",
    ),
]
Data = Annotated[
    Any,
    Meta(description=f"any JSON of the app's own, at most {MAX_DATA_BYTES:,} bytes; null counts as none"),
]
MediaUrl = Annotated[
    str,
    Meta(
        max_length=2048,
        description="an absolute URL without blanks and control characters; other schemes by MEDIA_URL_SCHEMES",
        extra_json_schema={"pattern": rf"^https://[^/?#\s{CONTROLS}{INVISIBLE}][^\s{CONTROLS}{INVISIBLE}]*$"},
    ),
]
PageSize = Annotated[int, Meta(ge=1, description=f"at most {MAX_PAGE}: more counts as {MAX_PAGE}")]
PageNumber = Annotated[int, Meta(ge=1, le=2**31, description="1 is the newest; ignored beside before and after")]


class ConversationsQuery(msgspec.Struct):
    limit: PageSize = 50
    cursor: Annotated[str, Meta(pattern=CURSOR_PATTERN, description="nextCursor of the page before")] | UnsetType = (
        UNSET
    )


class ConversationsAnswer(msgspec.Struct, rename="camel"):
    """Newest activity first; `nextCursor` is null at the end."""

    conversations: list[Conversation]
    next_cursor: str | None


class MembersQuery(msgspec.Struct):
    """Only those whose handle or display name holds `q`, in any case; only those with this role."""

    limit: PageSize = 50
    cursor: Annotated[Id, Meta(description="nextCursor of the page before")] | UnsetType = UNSET
    q: Annotated[str, Meta(pattern=WORD_PATTERN, max_length=200)] | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class MembersAnswer(msgspec.Struct, rename="camel"):
    """By id; `nextCursor` is null at the end."""

    members: list[RoomMember]
    next_cursor: str | None


class ConversationAnswer(msgspec.Struct):
    conversation: Conversation


class NewConversation(msgspec.Struct, rename="camel"):
    """The caller is always among the participants, named or not."""

    participant_ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PEOPLE)]
    is_group: bool | None = None
    name: Name | None = None
    bounty_id: BountyText | BountyNumber | None = None

    def line(self) -> str | None:
        """The name as others see it; None for a blank one. Raises ApiError 400 where nothing of it would show."""
        if self.name is None or not self.name.strip():
            return None
        name = texts.line(self.name)
        if not name:
            raise malformed("name", "nobody would see anything of this name")
        return name

    def people(self, caller: str) -> set[str]:
        """Everyone in it. Raises ApiError 400 for nobody besides the caller, or too many."""
        people = {caller, *(one.lower() for one in self.participant_ids)}
        if len(people) < 2:
            raise malformed("participantIds", "name someone besides yourself")
        if len(people) > MAX_PEOPLE:
            raise malformed("participantIds", f"at most {MAX_PEOPLE} people, yourself included")
        return people


class CreatedConversation(Conversation, frozen=True):
    existing: bool


class CreatedAnswer(msgspec.Struct):
    """`existing`: the two had this conversation already."""

    conversation: CreatedConversation


def extra_of(data: Any) -> str | None:
    """An app's own JSON as text; None for none. Raises ApiError 400 where there is too much of it."""
    if data is None:
        return None
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_DATA_BYTES:
        raise malformed("data", f"at most {MAX_DATA_BYTES} bytes")
    return encoded.decode()


class HistoryQuery(msgspec.Struct, rename="camel"):
    """A page counted from the newest, or what lies before, after, between or around seqs: of all, of the pinned, or of
    the replies to a message."""

    page: PageNumber = 1
    limit: PageSize = 50
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET
    around: (
        Annotated[Seq, Meta(description="half of the page lies before it; not beside before and after")] | UnsetType
    ) = UNSET
    pinned: bool | UnsetType = UNSET
    reply_to: Annotated[Id, Meta(description="a message; not beside pinned")] | UnsetType = UNSET

    def choice(self) -> Choice:
        """Raises ApiError 400 for what does not go together."""
        if isinstance(self.reply_to, str):
            if self.pinned is True:
                raise malformed("replyTo", "not together with pinned")
            return Choice(Which.REPLIES, self.reply_to.lower())
        return Choice(Which.PINNED) if self.pinned is True else EVERYTHING


class Pagination(msgspec.Struct, rename="camel"):
    """`total` counts all messages that the caller can see. `page` is null beside `before` and `after`."""

    page: int | None
    limit: int
    total: int
    has_more: bool


_SHOWN = {
    "anyOf": [
        {"$ref": "#/components/schemas/Message"},
        {
            "type": "object",
            "description": "In place of a message that the caller deleted for themselves alone.",
            "properties": {"id": {"type": "string"}, "seq": {"type": "integer"}, "hidden": {"const": True}},
            "required": ["id", "seq", "hidden"],
        },
    ]
}


class HistoryAnswer(msgspec.Struct, rename="camel"):
    """Oldest first. `asOfSeq`: the messages are as they were when the log had come so far."""

    messages: Annotated[list[Any], Meta(extra_json_schema={"items": _SHOWN})]
    pagination: Pagination
    as_of_seq: int


class NewMessage(msgspec.Struct, rename="camel"):
    json_schema: ClassVar[dict[str, Any]] = {
        "allOf": [
            {
                "anyOf": [
                    {"required": ["text"], "properties": {"text": {"type": "string", "pattern": SHOWN_PATTERN}}},
                    {"required": ["mediaUrl"], "properties": {"mediaUrl": {"type": "string"}}},
                ]
            },
            {
                "anyOf": [
                    {"properties": {"text": {"maxLength": MAX_TEXT}}},
                    {"required": ["opaque"], "properties": {"opaque": {"const": True}}},
                ]
            },
        ]
    }

    text: Text | None = None
    client_id: ClientId | None = None
    reply_to: Annotated[Id | None, Meta(description="a message of this conversation")] = None
    media_url: MediaUrl | None = None
    opaque: Annotated[
        bool | None,
        Meta(
            description="the text is the app's own, encrypted perhaps: no push and no list shows it. It may then have"
            f" {MAX_OPAQUE_BYTES:,} bytes of UTF-8"
        ),
    ] = None
    data: Data | None = None

    def trimmed(self) -> str:
        """The text, empty only beside a mediaUrl. Raises ApiError 400 where nothing of it would show, or it is long."""
        text = trimmed(self.text or "")
        fault = fault_of(text, opaque=bool(self.opaque), beside_file=self.media_url is not None)
        if fault is not None:
            raise malformed("text", fault)
        return text

    def named(self) -> str | None:
        """The client id. Raises ApiError 400 for one that the server gives to what it sends by itself."""
        if self.client_id is not None and self.client_id.startswith(RESERVED):
            raise malformed("clientId", "expected none that begins with " + " or ".join(RESERVED))
        return self.client_id

    def extra(self) -> str | None:
        """The app's own JSON. Raises ApiError 400 where there is too much of it."""
        return extra_of(self.data)

    def address(self, rules: Rules) -> str | None:
        """The mediaUrl. Raises ApiError 400 where it is no URL of a scheme that the deployment takes."""
        if self.media_url is not None and not texts.is_address(self.media_url, rules.media_schemes):
            schemes = " or ".join(f"{scheme}:" for scheme in rules.media_schemes)
            raise malformed("mediaUrl", f"expected a URL that begins with {schemes}, without blanks")
        return self.media_url


class MessageAnswer(msgspec.Struct, rename="camel"):
    """`asOfSeq`: the message is as it was when the log had come so far."""

    message: Message
    as_of_seq: int


class Progress(msgspec.Struct, rename="camel"):
    """The caller has, or has read, all up to and with the newest of these messages."""

    message_ids: Annotated[list[Id], Meta(min_length=1)]
    status: Literal["delivered", "read"]


class ProgressAnswer(msgspec.Struct, rename="camel"):
    """`updatedCount`: how many of them are messages of this conversation."""

    updated_count: int
    success: bool = True


class Typing(msgspec.Struct, rename="camel"):
    is_typing: bool


class SyncBody(msgspec.Struct, rename="camel"):
    """What the client has: the last seq of each conversation, and `asOf` of the last complete answer; `after` is the
    `next` of an answer that had one, and then those need not be named of which it told everything."""

    conversations: dict[Id, Seq]
    as_of: Annotated[str, Meta(pattern=AS_OF_PATTERN)] | None = None
    after: Annotated[str, Meta(pattern=PLACE_PATTERN)] | None = None
    compact: Annotated[bool, Meta(description="messages as they stand now, instead of all that happened")] | None = None


class PresenceQuery(msgspec.Struct, rename="camel"):
    user_ids: Annotated[str, Meta(pattern=IDS_PATTERN, description=f"ids, separated by commas, at most {MAX_IDS}")]


class PresenceView(msgspec.Struct, rename="camel"):
    """`lastSeenAt` is when they last went offline; null if never."""

    user_id: str
    is_online: bool
    last_seen_at: str | None


class PresenceAnswer(msgspec.Struct):
    """Of those asked about who share a conversation with the caller; others are left out.

    `unknown` are those of whom nothing is known at this moment, because Redis is away or slow. Keep what was known of
    them, and ask again in a moment.
    """

    presence: list[PresenceView]
    unknown: list[Id]
