"""`/server/webhooks/{webhook}/…`: what was delivered, again, and a test."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Pool
from persistence.paging import MAX_PAGE
from persistence.webhooks import deliveries, store
from persistence.webhooks.deliveries import Place
from persistence.webhooks.routes import PATH, SCOPE, TAG, no_webhook
from persistence.webhooks.shapes import (
    DeliveriesAnswer,
    DeliveriesQuery,
    Replay,
    ReplayAnswer,
    TestAnswer,
    TestedDelivery,
    time_of,
)
from persistence.webhooks.views import DeliveryView
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import ApiError, malformed
from shared.ids import canonical_id

TEST_SECONDS = 20.0
"""Above what one attempt may take."""
LOOK_SECONDS = 0.1


class Deliveries:
    """The handlers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, call: Call[Nothing, DeliveriesQuery]) -> DeliveriesAnswer:
        webhook_id, query = await self._known(call), call.query
        page = await deliveries.page(
            self._pool,
            webhook_id,
            state=query.state if isinstance(query.state, str) else None,
            since=time_of(query.since) if isinstance(query.since, str) else None,
            under=_place(query.cursor) if isinstance(query.cursor, str) else None,
            limit=min(query.limit, MAX_PAGE),
        )
        shown = page.deliveries if call.may(SCOPE) else [structs.replace(one, answer=None) for one in page.deliveries]
        return DeliveriesAnswer(shown, None if page.next is None else _cursor(page.next))

    async def replay(self, call: Call[Replay, Nothing]) -> ReplayAnswer:
        webhook_id, choice = await self._known(call), call.body.choice()
        replayed = await deliveries.replay(self._pool, webhook_id, choice)
        entry = Entry("webhook.replay", "webhook", webhook_id, details={"replayed": replayed})
        await audit.note(self._pool, call.actor, entry, call.request_id)
        return ReplayAnswer(replayed)

    async def test(self, call: Call[Nothing, Nothing]) -> TestAnswer:
        webhook_id = await self._known(call)
        event_id = await deliveries.begin_test(self._pool, webhook_id)
        if event_id is None:
            raise ApiError(409, "disabled", "the webhook is disabled: enable it first")
        tested = await self._outcome(webhook_id, event_id)
        if tested is None:
            return TestAnswer(TestedDelivery(None, "no service `webhooks` took it in time: does one run?", None))
        return TestAnswer(TestedDelivery(tested.last_status, tested.last_error, tested.ms))

    async def _outcome(self, webhook_id: str, event_id: str) -> DeliveryView | None:
        deadline = asyncio.get_running_loop().time() + TEST_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            found = await deliveries.outcome_of_test(self._pool, webhook_id, event_id)
            if found is None or found.attempts:
                return found
        return None

    async def _known(self, call: Call[Any, Any]) -> str:
        webhook_id = call.ids["webhook"]
        if await store.one(self._pool, webhook_id) is None:
            raise no_webhook()
        return webhook_id


def _cursor(place: Place) -> str:
    return f"{int(place.created_at.timestamp()) * 1_000_000 + place.created_at.microsecond}.{place.event_id}"


def _place(cursor: str) -> Place:
    micros, _, event_id = cursor.partition(".")
    known = canonical_id(event_id)
    if known is None:
        raise malformed("cursor", "expected nextCursor of the page before")
    seconds, rest = divmod(int(micros), 1_000_000)
    return Place(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), known)


def endpoints(pool: Pool) -> list[Endpoint]:
    handlers = Deliveries(pool)
    return [*_of_deliveries(handlers), *_of_tests(handlers)]


def _of_deliveries(handlers: Deliveries) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=f"{PATH}/{{webhook}}/deliveries",
            name="listDeliveries",
            handler=handlers.page,
            summary="What was delivered to a webhook",
            description="Of seven days. Only keys that may change webhooks see what the endpoint answered.",
            tag=TAG,
            scope=SCOPE,
            admins=True,
            query=DeliveriesQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=DeliveriesAnswer,
            errors=(404,),
        ),
        Endpoint(
            method="POST",
            path=f"{PATH}/{{webhook}}/replay",
            name="replayDeliveries",
            handler=handlers.replay,
            summary="Deliver again",
            tag=TAG,
            scope=SCOPE,
            admins=True,
            body=Replay,
            cost=FLAT,
            response=ReplayAnswer,
            errors=(404,),
        ),
    ]


def _of_tests(handlers: Deliveries) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=f"{PATH}/{{webhook}}/test",
            name="testWebhook",
            handler=handlers.test,
            summary="Send a test, and wait for its answer",
            description="One attempt, which no other waits for. 200 also where the endpoint failed.",
            tag=TAG,
            scope=SCOPE,
            admins=True,
            cost=FLAT,
            response=TestAnswer,
            errors=(404, 409),
        ),
    ]
