"""The shapes of conversations and messages as apps send them. What they refuse stands in the OpenAPI document."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.store.views import Conversation, Message, Role, RoomMember
from shared.http.errors import malformed
from shared.http.fields import (
    AS_OF_PATTERN,
    CURSOR_PATTERN,
    IDS_PATTERN,
    MAX_IDS,
    MAX_SEQ,
    NO_NUL_PATTERN,
    NOT_BLANK_PATTERN,
    Id,
    Seq,
)
from shared.http.openapi import REFERENCE

MAX_TEXT = 8000
"""Code points, after trimming."""
MAX_NAME = 200
MAX_PEOPLE = 1000
"""In a group, the caller included."""
MAX_PAGE = 100

# Its length is checked after trimming; the schema states it all the same, for it is what an app has to keep to.
Text = Annotated[
    str,
    Meta(
        pattern=NOT_BLANK_PATTERN,
        description=f"1 to {MAX_TEXT} characters after trimming; no NUL",
        extra_json_schema={"minLength": 1, "maxLength": MAX_TEXT},
    ),
]
Name = Annotated[str, Meta(pattern=NO_NUL_PATTERN, max_length=MAX_NAME, description="of a group; blank means none")]
BountyText = Annotated[str, Meta(pattern=NO_NUL_PATTERN, max_length=200)]
BountyNumber = Annotated[int, Meta(ge=-MAX_SEQ, le=MAX_SEQ)]
ClientId = Annotated[
    str,
    Meta(
        pattern=NO_NUL_PATTERN,
        min_length=1,
        max_length=64,
        description="chosen by the app, one for each message: sent again, it gives the first message back",
    ),
]
MediaUrl = Annotated[str, Meta(pattern=NO_NUL_PATTERN, min_length=1, max_length=2048)]
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
    """Only those whose handle holds `q`, in any case; only those with this role."""

    limit: PageSize = 50
    cursor: Annotated[Id, Meta(description="nextCursor of the page before")] | UnsetType = UNSET
    q: Annotated[str, Meta(pattern=NO_NUL_PATTERN, max_length=200)] | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class MembersAnswer(msgspec.Struct, rename="camel"):
    """By id; `nextCursor` is null at the end."""

    members: list[RoomMember]
    next_cursor: str | None


class NewConversation(msgspec.Struct, rename="camel"):
    """The caller is always among the participants, named or not."""

    participant_ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PEOPLE)]
    is_group: bool | None = None
    name: Name | None = None
    bounty_id: BountyText | BountyNumber | None = None

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


class HistoryQuery(msgspec.Struct):
    """A page counted from the newest, or what lies before, after or between seqs."""

    page: PageNumber = 1
    limit: PageSize = 50
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET


class Pagination(msgspec.Struct, rename="camel"):
    """`total` counts all messages that the caller can see. `page` is null beside `before` and `after`."""

    page: int | None
    limit: int
    total: int
    has_more: bool


class HistoryAnswer(msgspec.Struct):
    """Oldest first."""

    messages: list[Message]
    pagination: Pagination


class NewMessage(msgspec.Struct, rename="camel"):
    text: Text
    client_id: ClientId | None = None
    reply_to: Annotated[
        Id | None, Meta(description="a message of this conversation", extra_json_schema={REFERENCE: True})
    ] = None
    media_url: MediaUrl | None = None

    def trimmed(self) -> str:
        """Raises ApiError 400 for a text that is too long."""
        text = self.text.strip()
        if len(text) > MAX_TEXT:
            raise malformed("text", f"at most {MAX_TEXT} characters")
        return text


class MessageAnswer(msgspec.Struct):
    message: Message


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
    """What the client has: the last seq of each conversation, and `asOf` of the last answer."""

    conversations: dict[Id, Seq]
    as_of: Annotated[str, Meta(pattern=AS_OF_PATTERN)] | None = None


class PresenceQuery(msgspec.Struct, rename="camel"):
    user_ids: Annotated[str, Meta(pattern=IDS_PATTERN, description=f"ids, separated by commas, at most {MAX_IDS}")]


class PresenceView(msgspec.Struct, rename="camel"):
    """`lastSeenAt` is when they last went offline; null if never."""

    user_id: str
    is_online: bool
    last_seen_at: str | None


class PresenceAnswer(msgspec.Struct):
    """Of those asked about who share a conversation with the caller; others are left out."""

    presence: list[PresenceView]
