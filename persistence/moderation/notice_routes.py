"""`/api/me/notices`: what moderators did to the caller, and why."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.pool import Pool
from persistence.moderation import notices
from persistence.moderation.notices import KeptNotice, Place
from persistence.paging import MAX_PAGE, PageSize
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.fields import PLACE_PATTERN


class NoticesQuery(msgspec.Struct):
    limit: PageSize = 50
    cursor: Annotated[str, Meta(pattern=PLACE_PATTERN, description="nextCursor of the page before")] | UnsetType = UNSET


class NoticesAnswer(msgspec.Struct, rename="camel"):
    """Newest first; `nextCursor` is null at the end."""

    notices: list[KeptNotice]
    next_cursor: str | None


def endpoints(pool: Pool) -> list[Endpoint]:
    async def read(call: Call[Nothing, NoticesQuery]) -> NoticesAnswer:
        given = call.query
        after = Place.from_cursor(given.cursor) if isinstance(given.cursor, str) else None
        page = await notices.page(pool, call.user_id, after=after, limit=min(given.limit, MAX_PAGE))
        return NoticesAnswer(page.notices, page.next.to_cursor() if page.next else None)

    return [
        Endpoint(
            method="GET",
            path="/api/me/notices",
            name="listNotices",
            handler=read,
            summary="Read what moderators did to the caller, and why",
            description="Each of them also comes as a frame `moderation.notice`. Nobody learns here who reported.",
            tag="safety",
            query=NoticesQuery,
            cost=FLAT,
            response=NoticesAnswer,
        )
    ]
