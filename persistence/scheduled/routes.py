"""`/api/scheduled`: messages that the caller has sent at a later time."""

from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.messages.answers import told as told_of_messages
from persistence.messages.drafting import draft_of
from persistence.messages.shapes import NewMessage
from persistence.paging import MAX_PAGE
from persistence.rules import Rules
from persistence.scheduled import store
from persistence.scheduled.shapes import (
    NewScheduled,
    ScheduledAnswer,
    ScheduledEdit,
    ScheduledPage,
    ScheduledQuery,
    ScheduledView,
)
from persistence.scheduled.views import BadTime, Existing, Kept, NoSuchScheduled, Scheduled, SentAlready, State
from shared import account_frames
from shared.http.address import base_url
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Reply, Success
from shared.http.errors import ApiError, malformed, not_found
from shared.ids import new_id

TAG = "scheduled"
PATH = "/api/scheduled"
ONE = f"{PATH}/{{scheduled}}"

Found = TypeVar("Found")


class ScheduledMessages:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery, rules: Rules) -> None:
        self._pool = pool
        self._delivery = delivery
        self._rules = rules

    async def create(self, call: Call[NewScheduled, Nothing]) -> Reply:
        given = call.body
        self._check(call.user_id, given)
        new = store.New(
            _id(call.user_id, given.named()),
            call.user_id,
            given.conversation_id.lower(),
            given.send_at,
            Kept(_message(given), self._rules.public_url or base_url(call.request)),
            given.files(),
        )
        outcome = await store.create(self._pool, new)
        if isinstance(outcome, Existing):
            return Reply(200, ScheduledAnswer(ScheduledView.of(outcome.scheduled)))
        return Reply(201, self._told(outcome))

    async def page(self, call: Call[Nothing, ScheduledQuery]) -> ScheduledPage:
        limit = min(call.query.limit, MAX_PAGE)
        page = await store.page(self._pool, call.user_id, after=call.query.after(), limit=limit)
        shown = [ScheduledView.of(one) for one in page.scheduled]
        return ScheduledPage(shown, None if page.next is None else page.next.to_cursor())

    async def one(self, call: Call[Nothing, Nothing]) -> ScheduledAnswer:
        found = told(await store.read(self._pool, call.user_id, call.ids["scheduled"]), Scheduled)
        return ScheduledAnswer(ScheduledView.of(found))

    async def change(self, call: Call[ScheduledEdit, Nothing]) -> ScheduledAnswer:
        given = call.body

        def message(old: NewMessage) -> NewMessage:
            """Raises ApiError 400 where the two make none that could be sent."""
            new = _merged(old, given)
            self._check(call.user_id, new)
            return new

        wanted = store.Change(message, NewMessage.files, given.send_at)
        return self._told(await store.change(self._pool, call.user_id, call.ids["scheduled"], wanted))

    async def cancel(self, call: Call[Nothing, Nothing]) -> Success:
        before = told(await store.cancel(self._pool, call.user_id, call.ids["scheduled"]), Scheduled)
        if before.state is not State.CANCELLED:
            self._tell(before, State.CANCELLED)
        return Success()

    def _check(self, user_id: str, given: NewMessage) -> None:
        """Raises ApiError 400 for what could not be sent."""
        draft_of(given, user_id, self._rules, client_id=None)
        given.files()

    def _told(self, outcome: Any) -> ScheduledAnswer:
        scheduled = told(outcome, Scheduled)
        self._tell(scheduled, scheduled.state)
        return ScheduledAnswer(ScheduledView.of(scheduled))

    def _tell(self, scheduled: Scheduled, state: State) -> None:
        frame = account_frames.scheduled_changed(
            scheduled_id=scheduled.id,
            conversation_id=scheduled.conversation_id,
            state=state,
            failure=scheduled.failure if state is State.FAILED else None,
        )
        self._delivery.to_user(scheduled.user_id, frame)


def _id(user_id: str, client_id: str | None) -> str:
    """The same for the same request again."""
    return new_id() if client_id is None else str(uuid5(UUID(user_id), client_id))


_MESSAGE_FIELDS = tuple(field for field in NewMessage.__struct_fields__ if field != "client_id")


def _message(given: NewMessage) -> NewMessage:
    return NewMessage(**{field: getattr(given, field) for field in _MESSAGE_FIELDS})


def _merged(old: NewMessage, given: NewMessage) -> NewMessage:
    changed = {field: getattr(given, field) for field in _MESSAGE_FIELDS if getattr(given, field) is not None}
    return msgspec.structs.replace(old, **changed)


def told(outcome: Any, wanted: type[Found]) -> Found:
    """What was wanted. Raises ApiError for each refusal."""
    if isinstance(outcome, wanted):
        return outcome
    match outcome:
        case NoSuchScheduled():
            raise not_found("there is no such scheduled message")
        case SentAlready():
            raise ApiError(409, "sent", "the message was sent already, or is being sent")
        case BadTime():
            raise malformed("sendAt", f"expected a time later than now, and within {store.LATEST.days} days")
    return told_of_messages(outcome, wanted)


def endpoints(pool: Pool, delivery: Delivery, rules: Rules) -> list[Endpoint]:
    handlers = ScheduledMessages(pool, delivery, rules)
    return [*_making(handlers), *_reading(handlers), *_changing(handlers)]


def _making(handlers: ScheduledMessages) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="scheduleMessage",
            handler=handlers.create,
            summary="Have a message sent at a later time",
            description="Sent then as any other, with `clientId` `scheduled:` and the id, so once whatever dies. What"
            " is refused then is `failed` with the code of the refusal. At most"
            f" {store.MOST} that wait or failed: else 409 `limit`. The same `clientId` again gives 200 and the first.",
            tag=TAG,
            body=NewScheduled,
            cost=FLAT,
            response=ScheduledAnswer,
            statuses=(201, 200),
            errors=(403, 409),
        ),
    ]


def _reading(handlers: ScheduledMessages) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="listScheduled",
            handler=handlers.page,
            summary="List the caller's scheduled messages",
            description="Those that wait or failed; a sent one is a message.",
            tag=TAG,
            query=ScheduledQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 25, per=25),
            response=ScheduledPage,
        ),
        Endpoint(
            method="GET",
            path=ONE,
            name="getScheduled",
            handler=handlers.one,
            summary="Read a scheduled message",
            tag=TAG,
            cost=FLAT,
            response=ScheduledAnswer,
            errors=(404,),
        ),
    ]


def _changing(handlers: ScheduledMessages) -> list[Endpoint]:
    return [
        Endpoint(
            method="PATCH",
            path=ONE,
            name="editScheduled",
            handler=handlers.change,
            summary="Change a scheduled message, or its time",
            description="409 `sent` once a worker has taken it. With `sendAt` one that failed waits again.",
            tag=TAG,
            body=ScheduledEdit,
            cost=FLAT,
            response=ScheduledAnswer,
            errors=(404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            name="cancelScheduled",
            handler=handlers.cancel,
            summary="Cancel a scheduled message",
            description="Repeatable. 409 `sent` once a worker has taken it.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(404, 409),
        ),
    ]
