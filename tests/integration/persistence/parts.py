"""Persistence's delivery, wired as a composition root does it, over real servers; and an ear for what it says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from persistence.conversations import announcing
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.epoch import Epoch
from persistence.log.event_relay import EventRelay
from persistence.log.publisher import Publisher
from persistence.log.relay import Overdue, Relay
from persistence.log.settling import Settling
from persistence.members.announcer import MembershipAnnouncer
from persistence.members.relay import MembershipRelay
from persistence.messages.queue import SendQueue
from persistence.push import withdrawals
from persistence.push.marker import PushMarker
from persistence.push.state import PushState
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.consumer import ReceiptsConsumer
from persistence.receipts.minima import Minima
from persistence.receipts.stream import ReceiptsStream
from persistence.search import rows as search
from persistence.webhooks.beginnings import Beginnings
from persistence.webhooks.noting import Hooks
from shared import wire
from shared.checkpoints import Checkpoints, NoCheckpoints
from shared.ids import new_id
from shared.presence import PresenceReader
from shared.redis import RedisClient, open_redis
from shared.tracing import NoTracing

OVERDUE_SECONDS = 0.2
CLAIM_IDLE_SECONDS = 0.3


class HaltAt:
    """A process that comes to this checkpoint goes no further; cancel its tasks, and it died there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reached = asyncio.Event()

    async def reach(self, name: str) -> None:
        if name == self.name:
            self.reached.set()
            await asyncio.Event().wait()


@dataclass
class Parts:
    pool: Pool
    redis_url: str
    redis: RedisClient
    publisher: Publisher
    settling: Settling
    delivery: Delivery
    memberships: MembershipAnnouncer
    announcer: ReceiptAnnouncer
    queue: SendQueue
    relay: Relay
    marker: PushMarker
    receipts: ReceiptsConsumer
    epoch: str
    minima: Minima
    hooks: Hooks

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[None]:
        """These of its forever-tasks, all by default; leaving is as sudden as a death."""
        chosen = names or ("publisher", "settling", "memberships", "queue", "receipts")
        async with running(*(getattr(self, name).run() for name in chosen)):
            yield


@asynccontextmanager
async def running(*forever: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in forever]
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        pending = set(tasks)
        while pending:  # more than once, for the reason told in shared/lifecycle/tasks.py
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.2)
        assert not ended, f"a forever-task ended: {ended}"


@asynccontextmanager
async def parts(pool: Pool, redis_url: str, checkpoints: Checkpoints | None = None) -> AsyncIterator[Parts]:
    """The parts of one persistence process; `running` runs them."""
    redis, blocking = open_redis(redis_url), open_redis(redis_url, answer_seconds=5)
    checkpoints = checkpoints or NoCheckpoints()
    stream = ReceiptsStream(blocking, consumer=new_id())
    epoch = await Epoch.read(pool)
    publisher = Publisher(redis)
    push_state = PushState(redis, PresenceReader(redis, lambda: epoch.current), ack_timeout_seconds=1.0)
    hooks = Hooks(pool)
    beginnings = Beginnings(hooks)
    followers = [push_state.follow, search.follow, withdrawals.follow, hooks.follow]
    settling = Settling(pool, followers, checkpoints)
    delivery = Delivery(publisher, settling, epoch, NoTracing())
    minima = Minima(pool, redis, delivery)
    announcer = ReceiptAnnouncer(delivery, minima)
    seconds = OVERDUE_SECONDS
    overdue: list[Overdue] = [
        MembershipRelay(
            publisher, announcing.Overdue(epoch).announce, overdue_seconds=seconds, follow=beginnings.follow
        ),
        EventRelay(publisher, followers, epoch, checkpoints, NoTracing(), overdue_seconds=seconds),
    ]
    idle = CLAIM_IDLE_SECONDS
    try:
        yield Parts(
            pool=pool,
            redis_url=redis_url,
            redis=redis,
            publisher=publisher,
            settling=settling,
            delivery=delivery,
            memberships=MembershipAnnouncer(pool, delivery, beginnings.follow),
            announcer=announcer,
            queue=SendQueue(pool, delivery.logged, checkpoints),
            relay=Relay(pool, overdue),
            marker=PushMarker(pool, redis, push_state, epoch),
            receipts=ReceiptsConsumer(pool, stream, delivery, announcer, checkpoints, claim_idle_seconds=idle),
            epoch=epoch.current,
            minima=minima,
            hooks=hooks,
        )
    finally:
        await blocking.aclose()
        await redis.aclose()


@dataclass
class Ear:
    """What a gateway would hear on its channels."""

    envelopes: list[wire.Envelope] = field(default_factory=list)

    def of(self, *kinds: wire.Kind) -> list[wire.Envelope]:
        return [envelope for envelope in self.envelopes if envelope.kind in kinds]

    def frames(self, *kinds: wire.Kind) -> list[dict[str, Any]]:
        return [orjson.loads(envelope.frame) for envelope in self.of(*kinds)]

    def seqs(self) -> list[int]:
        return [envelope.seq for envelope in self.of(wire.Kind.DURABLE)]


@asynccontextmanager
async def listening(redis_url: str, *channels: str) -> AsyncIterator[Ear]:
    """Confirmed subscriptions to these channels."""
    redis = open_redis(redis_url, answer_seconds=None)
    pubsub = redis.pubsub()
    ear, confirmed = Ear(), asyncio.Event()
    await pubsub.ssubscribe(*channels)

    async def listen() -> None:
        missing = len(channels)
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is not None and message["type"] == "ssubscribe":
                missing -= 1
                confirmed.set() if missing == 0 else None
            elif message is not None:
                envelope = wire.unpack(message["data"])
                assert envelope is not None
                ear.envelopes.append(envelope)

    try:
        async with running(listen()):
            await soon(confirmed.wait())
            yield ear
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        await redis.aclose()


async def soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, 10)
