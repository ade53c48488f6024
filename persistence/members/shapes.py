"""The shapes of the list of members."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.members.views import Role, RoomMember
from persistence.paging import PageSize
from shared.http.fields import (
    WORD_PATTERN,
    Id,
)


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
