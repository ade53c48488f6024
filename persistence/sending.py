"""The queue of messages to send: those that wait for one conversation are joined into one statement."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import asyncpg
from prometheus_client import Counter, Histogram

from persistence.log.logged import Logged
from persistence.log.rows import logged_message
from persistence.store import messages
from persistence.store.database import DATABASE_FAILURES, Borrower, Pool
from persistence.store.views import Draft, Outcome, Sent
from shared.checkpoints import COMMITTED, Checkpoints

MESSAGES = Counter("parley_persistence_messages_total", "Messages committed.")
LENGTH = Histogram(
    "parley_persistence_message_length_characters",
    "Length of a committed message's text.",
    buckets=(10, 30, 100, 300, 1000, 3000, 8000),
)

WORKERS = 6
"""Statements at a time, each on a connection of the pool: more would only wait for the same disk."""
JOINED = 64
"""Messages in one statement: past that the statement's own time grows as fast as what it saves."""
KEPT_SECONDS = 0.02
"""For which a worker with nothing to send keeps its connection: under load there is something again by then."""
MOST_WAITING = 5000
"""About two seconds of the highest rate; then a client is better told to come back."""


class Overloaded(Exception):
    """Too many messages wait already; nothing was sent. Try again after `retry_after_seconds`."""

    retry_after_seconds = 1


class _Waiting(NamedTuple):
    draft: Draft
    answer: "asyncio.Future[Outcome]"


class SendQueue:
    """Sends at once while a conversation is quiet: a lone message waits for nobody.

    While a statement of a conversation is in flight, its next messages gather and then go together, in the order in
    which they came, each answered alone. When Postgres is away all who wait hear it at once. `committed` hears of each
    statement's messages right after its commit, before anybody is answered, in the order of their seqs.
    """

    def __init__(
        self,
        pool: Pool,
        committed: Callable[[Sequence[Logged]], None],
        checkpoints: Checkpoints,
        *,
        workers: int = WORKERS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._pool = pool
        self._committed = committed
        self._checkpoints = checkpoints
        self._workers = workers
        self._most_waiting = most_waiting
        self._count = 0
        # A conversation has a key here while something waits for it or is in flight, and stands in `_ready` only if
        # nothing is in flight: so one worker at a time sends into it.
        self._waiting: dict[str, list[_Waiting]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()

    async def send(self, conversation_id: str, draft: Draft) -> Outcome:
        """Returns after the commit. Raises Overloaded; or DATABASE_FAILURES, after which the same client id is safe."""
        if self._count >= self._most_waiting:
            raise Overloaded
        self._count += 1
        one = _Waiting(draft, asyncio.get_running_loop().create_future())
        waiting = self._waiting.get(conversation_id)
        if waiting is None:
            self._waiting[conversation_id] = [one]
            self._ready.put_nowait(conversation_id)
        else:
            waiting.append(one)
        return await one.answer

    async def run(self) -> None:
        """Forever. On its end whoever still waits is cancelled: nothing was sent for them."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._work(), name=f"send-{number}")
        finally:
            _cancel([one for waiting in self._waiting.values() for one in waiting])

    async def _work(self) -> None:
        borrower = Borrower(self._pool)
        try:
            while True:
                await self._serve_next(borrower)
        finally:
            await borrower.give_back()

    async def _serve_next(self, borrower: Borrower) -> None:
        conversation_id = await self._next(borrower)
        waiting = self._waiting[conversation_id]
        batch, self._waiting[conversation_id] = waiting[:JOINED], waiting[JOINED:]
        self._count -= len(batch)
        if batch:
            await self._send(borrower, conversation_id, batch)
        if self._waiting[conversation_id]:
            self._ready.put_nowait(conversation_id)
        else:
            del self._waiting[conversation_id]

    async def _next(self, borrower: Borrower) -> str:
        if not self._ready.empty():
            return self._ready.get_nowait()
        try:
            async with asyncio.timeout(KEPT_SECONDS):
                return await self._ready.get()
        except TimeoutError:
            await borrower.give_back()
        return await self._ready.get()

    async def _send(self, borrower: Borrower, conversation_id: str, batch: Sequence[_Waiting]) -> None:
        """Answers every one of the batch, whatever happens."""
        try:
            answers: Sequence[Outcome | Exception] = await self._commit(borrower, conversation_id, batch)
        except asyncio.CancelledError:
            _cancel(batch)
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again, in those whom it concerns
            if len(batch) > 1 and _is_refusal(error):
                for one in batch:
                    await self._send(borrower, conversation_id, [one])
                return
            answers = [error] * len(batch)
            if _is_outage(error):
                self._give_up(error)
        for one, answer in zip(batch, answers, strict=True):
            _answer(one, answer)

    def _give_up(self, error: Exception) -> None:
        """Answers all who wait: they would wait for a Postgres that is away, each for as long as those before them."""
        for conversation_id, waiting in self._waiting.items():
            self._waiting[conversation_id] = []
            self._count -= len(waiting)
            for one in waiting:
                _answer(one, error)

    async def _commit(self, borrower: Borrower, conversation_id: str, batch: Sequence[_Waiting]) -> list[Outcome]:
        outcomes = await self._write(borrower, conversation_id, [one.draft for one in batch])
        sent = [outcome.message for outcome in outcomes if isinstance(outcome, Sent)]
        if sent:
            await self._checkpoints.reach(COMMITTED)
            spans = {one.draft.id: one.draft.span for one in batch if one.draft.span is not None}
            self._committed([logged_message(message, spans.get(message.id)) for message in sent])
        MESSAGES.inc(len(sent))
        for message in sent:
            LENGTH.observe(len(message.text))
        return outcomes

    async def _write(self, borrower: Borrower, conversation_id: str, drafts: Sequence[Draft]) -> list[Outcome]:
        try:
            return await messages.send(await borrower.connection(), conversation_id, drafts)
        except Exception:
            await borrower.give_back()  # it may be broken, and the next statement wants another one
            raise


def _is_refusal(error: Exception) -> bool:
    """Postgres refused what one of a batch holds, and so took none of it."""
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, DATABASE_FAILURES)


def _is_outage(error: Exception) -> bool:
    """Not of this statement alone."""
    own = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
    return isinstance(error, DATABASE_FAILURES) and not isinstance(error, own)


def _answer(one: _Waiting, answer: Outcome | Exception) -> None:
    """Who waited may be gone: a client that closed its connection."""
    if one.answer.done():
        return
    if isinstance(answer, Exception):
        one.answer.set_exception(answer)
    else:
        one.answer.set_result(answer)


def _cancel(batch: Sequence[_Waiting]) -> None:
    for one in batch:
        one.answer.cancel()
