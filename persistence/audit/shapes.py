"""The shapes of the audit log."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.view import View
from persistence.paging import PageSize
from shared.http.fields import WORD_PATTERN

Word = Annotated[str, Meta(pattern=WORD_PATTERN, min_length=1, max_length=100)]


class AuditEntry(View, frozen=True):
    """`actorKind` is `user`, `key` or `cli`; `actor` a user's id, a key's id, or the operating system's name of who ran
    a command; `actAs` the user whom a key spoke for. `requestId` finds the lines of the log."""

    id: str
    at: str
    actor_kind: str
    actor: str
    act_as: str | None
    action: str
    subject_kind: str
    subject: str
    reason: str | None
    request_id: str | None
    details: msgspec.Raw | None


class AuditQuery(msgspec.Struct, rename="camel"):
    actor: Annotated[Word, Meta(description="the id of a user or a key")] | UnsetType = UNSET
    subject: Annotated[Word, Meta(description="the id of what it was done to")] | UnsetType = UNSET
    action: Annotated[Word, Meta(description="such as `role.grant`")] | UnsetType = UNSET
    cursor: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,17}$(?!\n)", description="nextCursor")] | UnsetType = UNSET
    limit: PageSize = 50


class AuditAnswer(msgspec.Struct, rename="camel"):
    """Newest first. `nextCursor` gives what is older."""

    entries: list[AuditEntry]
    next_cursor: str | None
