"""The shapes of scheduled messages."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.messages.carried_shapes import ForwardBody, Mentions, PreviewBody
from persistence.messages.shapes import NewMessage
from persistence.paging import PageSize
from persistence.scheduled.views import Place, Scheduled, State
from shared.clock import iso
from shared.http.fields import CURSOR_PATTERN, Id

Moment = Annotated[
    datetime,
    Meta(
        tz=True,
        description="ISO 8601 with a time zone; later than now, and within a year",
        examples=["2026-11-22T20:15:04.123Z"],
    ),
]


class NewScheduled(NewMessage, rename="camel", kw_only=True):
    """As a message that is sent now, and where and when. The same `clientId` again is the same scheduled message."""

    conversation_id: Id
    send_at: Moment


class ScheduledEdit(NewMessage, rename="camel"):
    """What is left out, or null, stays as it is. With `sendAt` one that failed waits again. `clientId` is not looked
    at."""

    json_schema: ClassVar[dict[str, Any]] = {}

    send_at: Moment | None = None


class ScheduledQuery(msgspec.Struct):
    limit: PageSize = 50
    cursor: Annotated[str, Meta(pattern=CURSOR_PATTERN, description="nextCursor of the page before")] | UnsetType = (
        UNSET
    )

    def after(self) -> Place | None:
        return Place.from_cursor(self.cursor) if isinstance(self.cursor, str) else None


class ScheduledView(msgspec.Struct, rename="camel"):
    """`failure`: the code with which it was refused. The rest is the message as it was given."""

    id: str
    conversation_id: str
    state: Literal["waiting", "failed"]
    send_at: str
    created_at: str
    failure: str | None
    text: str
    reply_to: str | None
    media_url: str | None
    opaque: bool
    data: Any
    mentions: Mentions | None
    forward: ForwardBody | None
    preview: PreviewBody | None
    expires_in: int | None
    attachments: list[str]

    @classmethod
    def of(cls, scheduled: Scheduled) -> "ScheduledView":
        given = scheduled.kept.message
        return cls(
            scheduled.id,
            scheduled.conversation_id,
            "failed" if scheduled.state is State.FAILED else "waiting",
            iso(scheduled.send_at),
            iso(scheduled.created_at),
            scheduled.failure,
            given.trimmed(),
            given.reply_to,
            given.media_url,
            bool(given.opaque),
            given.data,
            given.mentions,
            given.forward,
            given.preview,
            given.expires_in,
            given.files(),
        )


class ScheduledAnswer(msgspec.Struct):
    scheduled: ScheduledView


class ScheduledPage(msgspec.Struct, rename="camel"):
    """The next to be sent first; `nextCursor` is null at the end."""

    scheduled: list[ScheduledView]
    next_cursor: str | None
