"""The shapes of what the app's own server says. What they refuse stands in the OpenAPI document."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.conversations.shapes import MAX_PEOPLE, BountyNumber, BountyText, Name
from persistence.messages.carried_shapes import MediaUrl
from persistence.messages.shapes import Data, Text
from persistence.messages.texts import MAX_TEXT
from persistence.paging import PageSize
from persistence.server.views import NewUser, ServerConversation, ServerUser
from persistence.users.shapes import PresenceView
from shared.auth.handle import LONGEST, clean_handle
from shared.http.errors import malformed
from shared.http.fields import SHOWN_PATTERN, WORD_PATTERN, ClientId, Id, Seq

MOST_USERS = 100
MAX_DATA_BYTES = 4096
"""As the server writes it: without blanks, in UTF-8."""

_OwnData = Annotated[
    Any, Meta(description=f"any JSON of the app's own, at most {MAX_DATA_BYTES:,} bytes; null takes it away")
]


def own_data(data: Any, field: str = "data") -> str | None:
    """JSON as text; None for none. Raises ApiError 400 where there is too much of it."""
    if data is None:
        return None
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_DATA_BYTES:
        raise malformed(field, f"at most {MAX_DATA_BYTES} bytes")
    return encoded.decode()


class UserEntry(msgspec.Struct):
    """What is left out stays as it is."""

    id: Id
    handle: (
        Annotated[str, Meta(pattern=SHOWN_PATTERN, max_length=LONGEST, description="on one line")] | UnsetType | None
    ) = UNSET
    data: _OwnData | UnsetType = UNSET

    def checked(self, place: int) -> NewUser:
        """Raises ApiError 400 for a handle of which nothing shows, and for too much data."""
        handle = None
        if isinstance(self.handle, str):
            handle = clean_handle(self.handle)
            if handle is None:
                raise malformed(f"users[{place}].handle", "expected a name that shows something")
        data = None if self.data is UNSET else own_data(self.data, f"users[{place}].data") or ""
        return NewUser(self.id.lower(), handle, data)


class Users(msgspec.Struct):
    users: Annotated[list[UserEntry], Meta(min_length=1, max_length=MOST_USERS)]

    def people(self) -> list[NewUser]:
        """Each once: of who is named twice the last entry counts. Raises ApiError 400."""
        people = [entry.checked(place) for place, entry in enumerate(self.users)]
        return list({one.id: one for one in people}.values())


class UsersAnswer(msgspec.Struct):
    users: list[ServerUser]


class UserAnswer(msgspec.Struct):
    user: ServerUser
    success: bool = True


class StartConversation(msgspec.Struct, rename="camel"):
    """Without `createdBy` nobody in it owns it. `createdBy` is always among the participants, named or not. One person
    alone is a group of one, for what the system says to them."""

    participant_ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PEOPLE)]
    id: (
        Annotated[Id, Meta(description="the one that it will have; where there is one, that one is given back")] | None
    ) = None
    created_by: Id | None = None
    is_group: bool | None = None
    name: Name | None = None
    bounty_id: BountyText | BountyNumber | None = None
    data: _OwnData | None = None

    def people(self) -> list[str]:
        """Everyone in it. Raises ApiError 400 for too many."""
        people = {one.lower() for one in self.participant_ids} | (
            {self.created_by.lower()} if self.created_by else set()
        )
        if len(people) > MAX_PEOPLE:
            raise malformed("participantIds", f"at most {MAX_PEOPLE} people")
        return sorted(people)


class ServerConversationAnswer(msgspec.Struct):
    conversation: ServerConversation
    success: bool = True


class StartedConversation(ServerConversation, frozen=True):
    """`existing`: there was one of this id, or the two had this conversation already."""

    existing: bool


class StartedAnswer(msgspec.Struct):
    conversation: StartedConversation


class OwnData(msgspec.Struct):
    data: _OwnData


class ServerMessage(msgspec.Struct, rename="camel"):
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
                    {"required": ["kind"], "properties": {"kind": {"const": "system"}, "senderId": {"type": "null"}}},
                    {
                        "required": ["senderId"],
                        "properties": {"kind": {"const": "user"}, "senderId": {"type": "string"}},
                    },
                ]
            },
        ],
    }

    client_id: ClientId
    text: Annotated[Text, Meta(max_length=MAX_TEXT)] | None = None
    kind: Annotated[
        Literal["user", "system"],
        Meta(
            description="`user`: of `senderId`, who is in the conversation; `system`: of SYSTEM_USER_ID, who need not"
        ),
    ] = "user"
    sender_id: Id | None = None
    reply_to: Annotated[Id | None, Meta(description="a message of this conversation")] = None
    media_url: MediaUrl | None = None
    data: Data | None = None
    push: Annotated[bool | None, Meta(description="false: no phone is pushed for it")] = None

    def sender(self, system_id: str) -> str:
        """Raises ApiError 400 where it is not clear who that is."""
        if self.kind == "system":
            if self.sender_id is not None:
                raise malformed("senderId", "a system message has none")
            return system_id
        if self.sender_id is None:
            raise malformed("senderId", "required, unless kind is system")
        return self.sender_id.lower()


class EventsQuery(msgspec.Struct):
    after: Annotated[Seq, Meta(description="a seq; 0 is before the first event")] = 0
    limit: PageSize = 100


class Happened(msgspec.Struct):
    """As a webhook tells it. `data` has `conversationId` and `seq`, and what is the type's own."""

    type: str
    timestamp: str
    data: msgspec.Raw


class EventsAnswer(msgspec.Struct, rename="camel"):
    """In the order of their seqs, without a gap. `nextAfter` gives what follows; null at the end."""

    events: list[Happened]
    next_after: int | None


class AppEvent(msgspec.Struct, rename="camel"):
    """Without `senderId` it is of SYSTEM_USER_ID."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=WORD_PATTERN)]
    data: Annotated[Any, Meta(description="any JSON, at most 2,048 bytes")] = None
    sender_id: Id | None = None


class ServerPresenceAnswer(msgspec.Struct):
    """`unknown` are those of whom nothing is known at this moment, because Redis is away or slow."""

    presence: list[PresenceView]
    unknown: list[str]
