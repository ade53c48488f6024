"""`/api/conversations/{id}/mute`: a conversation that may not ring, for the caller alone."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.pool import Pool
from persistence.members.views import NotAMember
from persistence.push import mutes
from persistence.push.mutes import RINGS, Muted
from shared.clock import iso_or_none
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import forbidden

TAG = "notifications"
PATH = "/api/conversations/{id}/mute"

Moment = Annotated[
    datetime, Meta(tz=True, description="ISO 8601 with a time zone", examples=["2026-11-22T20:15:04.123Z"])
]


class MuteBody(msgspec.Struct):
    """`until` null, or a time that is over, lets the conversation ring again. `mentions_only`: what mentions the caller
    is pushed all the same."""

    until: Moment | None
    mentions_only: bool | None = None


class MuteAnswer(msgspec.Struct):
    """`mutedUntil` null: it rings. `mentions_only` is there where what mentions the caller is pushed all the same."""

    muted_until: str | None = msgspec.field(name="mutedUntil")
    mentions_only: bool | UnsetType = UNSET

    @classmethod
    def of(cls, muted: Muted) -> "MuteAnswer":
        return cls(iso_or_none(muted.until), muted.mentions_only or UNSET)


class Mute:
    """The handlers, over one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def mute(self, call: Call[MuteBody, Nothing]) -> MuteAnswer:
        until = call.body.until
        if until is not None and until <= datetime.now(UTC):
            until = None
        muted = RINGS if until is None else Muted(until, bool(call.body.mentions_only))
        if await mutes.mute(self._pool, call.user_id, call.ids["id"], muted) is not None:
            raise forbidden()
        return MuteAnswer.of(muted)

    async def read(self, call: Call[Nothing, Nothing]) -> MuteAnswer:
        muted = await mutes.read(self._pool, call.user_id, call.ids["id"])
        if isinstance(muted, NotAMember):
            raise forbidden()
        return MuteAnswer.of(muted)


def endpoints(pool: Pool) -> list[Endpoint]:
    handlers = Mute(pool)
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="muteConversation",
            handler=handlers.mute,
            cost=FLAT,
            summary="Mute a conversation for the caller",
            description="No pushes of it until then, but for what mentions the caller where `mentions_only` is set. It"
            " still arrives live, counts as unread and is in the badge.",
            tag=TAG,
            body=MuteBody,
            response=MuteAnswer,
            errors=(403,),
        ),
        Endpoint(
            method="GET",
            path=PATH,
            name="getMute",
            handler=handlers.read,
            cost=FLAT,
            summary="Until when the caller muted a conversation",
            tag=TAG,
            response=MuteAnswer,
            errors=(403,),
        ),
    ]
