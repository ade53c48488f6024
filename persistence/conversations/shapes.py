"""The shapes of conversations as apps send them. What they refuse stands in the OpenAPI document."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.conversations.views import Conversation
from persistence.paging import PageSize
from shared import texts
from shared.http.errors import malformed
from shared.http.fields import (
    CURSOR_PATTERN,
    LINE_PATTERN,
    MAX_SEQ,
    WORD_PATTERN,
    Id,
)

MAX_NAME = 200


MAX_PEOPLE = 1000
"""In a group, the caller included."""


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


def readable_line(given: str | None) -> str | None:
    """A name as others see it; None for a blank one. Raises ApiError 400 where nothing of it would show."""
    if given is None or not given.strip():
        return None
    name = texts.line(given)
    if not name:
        raise malformed("name", "nobody would see anything of this name")
    return name


class ConversationsQuery(msgspec.Struct):
    limit: PageSize = 50
    cursor: Annotated[str, Meta(pattern=CURSOR_PATTERN, description="nextCursor of the page before")] | UnsetType = (
        UNSET
    )
    archived: (
        Annotated[
            Literal["true", "false", "all"],
            Meta(description="those that the caller archived; the others; or both"),
        ]
        | UnsetType
    ) = UNSET
    blocked: Annotated[bool, Meta(description="those that are over because of a block of the caller's")] | UnsetType = (
        UNSET
    )


class ConversationsAnswer(msgspec.Struct, rename="camel"):
    """Newest activity first; `nextCursor` is null at the end."""

    conversations: list[Conversation]
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
        """As `readable_line`, of the name."""
        return readable_line(self.name)

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
