"""The shapes of moderation as clients send them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.moderation.views import Action, Item, Kind, OneReport, State, WholeItem
from persistence.paging import PageSize
from shared.http.fields import TEXT_PATTERN, Id

MAX_REASON = 1000
MAX_DAYS = 36_500
CURSOR = r"^[0-9]{1,15}\.[0-9]{1,17}\.[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$(?!\n)"

Reason = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_REASON, pattern=TEXT_PATTERN, description="told to whom it concerns"),
]
Moment = Annotated[
    datetime, Meta(tz=True, description="ISO 8601 with a time zone", examples=["2026-11-22T20:15:04.123Z"])
]


Note = Annotated[str, Meta(max_length=MAX_REASON, pattern=TEXT_PATTERN, description="for moderators")]
Days = Annotated[int, Meta(ge=1, le=MAX_DAYS)]


class ItemsQuery(msgspec.Struct, rename="camel"):
    """Without a state: all that is not resolved."""

    state: State | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    user_id: Annotated[Id, Meta(description="whom it is about")] | UnsetType = UNSET
    cursor: Annotated[str, Meta(pattern=CURSOR, description="nextCursor of the page before")] | UnsetType = UNSET
    limit: PageSize = 50


class ItemsAnswer(msgspec.Struct, rename="camel"):
    """Highest score first, then oldest; `nextCursor` is null at the end."""

    items: list[Item]
    next_cursor: str | None


class ItemAnswer(msgspec.Struct):
    item: WholeItem


class ItemWithReports(msgspec.Struct):
    """`reports` are the first hundred."""

    item: WholeItem
    reports: list[OneReport]


class NewDecision(msgspec.Struct):
    """`days`: for how long somebody is banned (for ever without it) or muted (a week). `scope`: muted in the
    conversation of the item, or in all of theirs."""

    action: Action
    reason: Reason
    note: Note | None = None
    days: Days | None = None
    scope: Literal["conversation", "all"] | None = None


class NewBan(msgspec.Struct):
    """Without `until` for ever."""

    reason: Reason
    until: Moment | None = None


class NewMute(msgspec.Struct):
    until: Moment
    reason: Reason


class ReasonQuery(msgspec.Struct):
    reason: (
        Annotated[str, Meta(max_length=MAX_REASON, pattern=TEXT_PATTERN, description="told to whom it concerns")]
        | UnsetType
    ) = UNSET
