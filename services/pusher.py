"""The composition root of a pusher."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from pusher.arrivals import Arrivals
from pusher.bursts import Bursts
from pusher.calls import CALLS_AT_ONCE, LEASE_SECONDS, Calls, Sender
from pusher.deadlines import Deadlines
from pusher.delivery import Delivery
from pusher.epoch import Epoch
from pusher.expo import Expo
from pusher.halts import Halts
from pusher.metrics import BULK_AGE, BULK_PENDING, STREAM_AGE, STREAM_PENDING
from pusher.pace import ExpoPace
from pusher.persistence_client import PersistenceClient
from pusher.queue import BLOCK_SECONDS, Queue
from pusher.receipts import Receipts
from pusher.silent import Silent
from pusher.stream import UndeliveredStream
from pusher.worker import Worker
from services import openings
from shared.http.health import Health
from shared.ids import new_id
from shared.lifecycle import Stop, Tasks
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_work import RedisWork
from shared.settings import Settings
from shared.tracing import Tracing

WORKERS = CALLS_AT_ONCE
"""Each has one batch in hand: while Expo keeps one waiting, the others go on, and memory stays bounded."""
BULK_WORKERS = 2
"""Of them so many serve the bulk while nothing else waits: the others are free for what comes, and no more calls than
these are ahead of its own."""
STOP_SECONDS = LEASE_SECONDS
"""For calls under way: an answer of Expo's that nobody writes down is told twice."""
DEADLINE_SECONDS = 0.25
BURST_SECONDS = 0.5
BADGE_SECONDS = 60.0
WITHDRAWAL_SECONDS = 2.0
ARRIVAL_SECONDS = 2.0
CONSUMER_SECONDS = 600.0
SAMPLE_SECONDS = 5.0
RECEIPT_SECONDS = 30.0


class Pusher:
    """A running pusher, for whoever serves its internal port."""

    def __init__(self, redis: RedisClient, epoch: Epoch) -> None:
        self._epoch = epoch
        work = RedisWork(redis)
        self._health = Health("pusher", vital={"redis": work.check}, outages=REDIS_FAILURES)

    @property
    def epoch(self) -> str:
        """The line of history that it serves; empty until persistence told it."""
        return self._epoch.current

    async def ready(self) -> dict[str, str]:
        """It serves nobody: ready means that it can take entries, and write what becomes of them."""
        return await self._health.parts()


@asynccontextmanager
async def pusher(
    settings: Settings, stop: Stop, tracing: Tracing, *, sender: Sender | None = None
) -> AsyncIterator[Pusher]:
    """Runs until it is left. `sender` stands for Expo; without it Expo is called."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(openings.redis_client(settings.redis_url or "", settings.redis_prefix))
        blocking = openings.redis_client(settings.redis_url or "", settings.redis_prefix, block_seconds=BLOCK_SECONDS)
        reading = await stack.enter_async_context(blocking)
        session = await stack.enter_async_context(openings.http_session())
        persistence = PersistenceClient(session, settings.persistence_url or "", settings.service_token or "")
        expo = Expo(base_url=settings.expo_push_url, access_token=settings.expo_access_token)
        stack.push_async_callback(expo.close)
        tasks = await stack.enter_async_context(Tasks("pusher", stop, stop_seconds=STOP_SECONDS))
        points = openings.checkpoints()
        pace, halts = ExpoPace(redis), Halts(redis)
        calls = Calls(persistence, sender or expo, pace, halts, points, default_preview=settings.push_preview)
        epoch = Epoch(persistence)
        tasks.spawn(epoch.run(), name="epoch")
        window = settings.push_burst_seconds
        delivery = Delivery(persistence, calls, Bursts(redis, window_seconds=window, epoch=lambda: epoch.current))
        older = Delivery(persistence, calls, Bursts(redis, window_seconds=window, epoch=str))
        tasks.periodically(BURST_SECONDS, older.flush_bursts, name="bursts of an older release")
        queue, handed_over = _queue(reading, None), _queue(reading, lambda: epoch.current)
        tasks.spawn(Worker(handed_over, delivery, points, tracing, epoch, serves_bulk=True).run(), name="worker")
        for nth in range(WORKERS):
            worker = Worker(queue, delivery, points, tracing, epoch, serves_bulk=nth < BULK_WORKERS)
            tasks.spawn(worker.run(), name="worker")
            tasks.periodically(BURST_SECONDS, delivery.flush_bursts, name="bursts")
        tasks.periodically(DEADLINE_SECONDS, Deadlines(redis, persistence, epoch).sweep, name="deadlines")
        tasks.periodically(SAMPLE_SECONDS, lambda: _sample(queue), name="stream_metrics")
        tasks.periodically(CONSUMER_SECONDS, queue.forget_dead_consumers, name="consumers")
        presence = PresenceReader(redis, lambda: epoch.current)
        _tell_besides(tasks, persistence, Silent(persistence, sender or expo, pace), presence, settings.push_preview)
        if sender is None:
            receipts = Receipts(expo, persistence, redis, halts, epoch)
            tasks.periodically(RECEIPT_SECONDS, receipts.sweep, name="expo_receipts")
        yield Pusher(redis, epoch)


def _tell_besides(
    tasks: Tasks, persistence: PersistenceClient, silent: Silent, presence: PresenceReader, preview: str
) -> None:
    """What is pushed besides messages: numbers, withdrawals, arrivals."""
    tasks.periodically(BADGE_SECONDS, silent.sweep, name="badges")
    tasks.periodically(WITHDRAWAL_SECONDS, silent.withdraw, name="withdrawals")
    arrivals = Arrivals(persistence, presence, silent, default_preview=preview)
    tasks.periodically(ARRIVAL_SECONDS, arrivals.sweep, name="arrivals")


def _queue(blocking: RedisClient, epoch: Callable[[], str] | None) -> Queue:
    """Of the streams that all take from, or of what was handed over to this epoch."""
    consumer = f"pusher-{new_id()}"
    prompt = UndeliveredStream(blocking, consumer, epoch=epoch)
    return Queue(prompt, UndeliveredStream(blocking, consumer, bulk=True, epoch=epoch))


async def _sample(queue: Queue) -> None:
    (pending, age), (bulk, bulk_age) = await queue.prompt.backlog(), await queue.bulk.backlog()
    STREAM_PENDING.set(pending + bulk)
    STREAM_AGE.set(max(age, bulk_age))
    BULK_PENDING.set(bulk)
    BULK_AGE.set(bulk_age)
