"""The shapes of drafts."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.drafts.store import Draft, Wanted
from persistence.messages.texts import MAX_TEXT
from shared.http.errors import malformed
from shared.http.fields import NO_NUL_PATTERN, Id

MOST_ATTACHMENTS = 10

Moment = Annotated[
    datetime, Meta(tz=True, description="ISO 8601 with a time zone", examples=["2026-11-22T20:15:04.123Z"])
]
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class DraftBody(msgspec.Struct, rename="camel"):
    """`updatedAt`: when it was written, by the device's clock; what lies in the future counts as now. An empty text
    without a reply and without attachments is no draft: it ends the one that there is."""

    text: Annotated[str, Meta(pattern=NO_NUL_PATTERN, max_length=MAX_TEXT)]
    updated_at: Moment
    reply_to: Annotated[Id | None, Meta(description="a message of this conversation")] = None
    attachments: Annotated[list[Id], Meta(max_length=MOST_ATTACHMENTS)] | None = None

    def wanted(self) -> Wanted:
        attachments = [one.lower() for one in self.attachments or ()]
        is_empty = not self.text and self.reply_to is None and not attachments
        return Wanted(
            None if is_empty else self.text,
            None if self.reply_to is None else self.reply_to.lower(),
            attachments,
            _sane(self.updated_at),
        )


class DraftQuery(msgspec.Struct, rename="camel"):
    updated_at: (
        Annotated[Moment, Meta(description="when it ended, by the device's clock; now, where it is left out")]
        | UnsetType
    ) = UNSET

    def wanted(self) -> Wanted:
        at = self.updated_at if isinstance(self.updated_at, datetime) else datetime.now(UTC)
        return Wanted(None, None, (), _sane(at))


def _sane(at: datetime) -> datetime:
    """In UTC, not before 1970. Raises ApiError 400 for what is no moment of this calendar in UTC."""
    try:
        return max(at.astimezone(UTC), _EARLIEST)
    except OverflowError:
        raise malformed("updatedAt", "expected a time within the years 1 to 9999") from None


class DraftsAnswer(msgspec.Struct):
    """The latest first."""

    drafts: list[Draft]


class StandingDraft(msgspec.Struct):
    """`drafts` has the one of this conversation as it stands now, perhaps another device's that is newer; it is empty
    where there is none."""

    drafts: list[Draft]
    success: bool = True
