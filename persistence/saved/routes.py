"""`/api/saved`: messages that the caller keeps for themselves."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.messages.answers import told
from persistence.messages.views import Message
from persistence.paging import MAX_PAGE, PageSize
from persistence.saved import store
from shared import account_frames
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.fields import CURSOR_PATTERN

TAG = "account"
PATH = "/api/saved/{message}"


class SavedQuery(msgspec.Struct):
    limit: PageSize = 50
    cursor: Annotated[str, Meta(pattern=CURSOR_PATTERN, description="nextCursor of the page before")] | UnsetType = (
        UNSET
    )


class SavedAnswer(msgspec.Struct, rename="camel"):
    """Latest saved first; `nextCursor` is null at the end. `asOfSeq`: the messages of each of these conversations are
    as they were when its log had come so far."""

    messages: list[Message]
    as_of_seq: dict[str, int]
    next_cursor: str | None


class SavedMessages:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery

    async def page(self, call: Call[Nothing, SavedQuery]) -> SavedAnswer:
        after = store.Place.from_cursor(call.query.cursor) if isinstance(call.query.cursor, str) else None
        page = await store.page(self._pool, call.user_id, after=after, limit=min(call.query.limit, MAX_PAGE))
        return SavedAnswer(page.messages, page.as_of_seq, None if page.next is None else page.next.to_cursor())

    async def save(self, call: Call[Nothing, Nothing]) -> Success:
        saved = told(await store.save(self._pool, call.user_id, call.ids["message"]), store.Saved)
        return self._tell(call, saved, on=True)

    async def unsave(self, call: Call[Nothing, Nothing]) -> Success:
        return self._tell(call, await store.unsave(self._pool, call.user_id, call.ids["message"]), on=False)

    def _tell(self, call: Call[Nothing, Nothing], saved: store.Saved, *, on: bool) -> Success:
        if saved.is_news:
            self._delivery.to_user(call.user_id, account_frames.saved(message_id=call.ids["message"], on=on))
        return Success()


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    handlers = SavedMessages(pool, delivery)
    return [
        Endpoint(
            method="GET",
            path="/api/saved",
            name="listSaved",
            handler=handlers.page,
            summary="Read the messages that the caller saved",
            description="Those that the caller may still see.",
            tag=TAG,
            query=SavedQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=SavedAnswer,
        ),
        Endpoint(
            method="PUT",
            path=PATH,
            name="saveMessage",
            handler=handlers.save,
            summary="Save a message for oneself",
            description="A frame `saved` tells the caller's other devices. Repeatable. 409 `deleted` for a deleted one,"
            f" and `limit` past {store.MOST:,}.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=PATH,
            name="unsaveMessage",
            handler=handlers.unsave,
            summary="Save a message no more",
            description="Repeatable, also for one that the caller sees no more.",
            tag=TAG,
            cost=FLAT,
            response=Success,
        ),
    ]
