"""The queue of messages to send: those that wait at the same time are joined into one statement."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import asyncpg
from prometheus_client import Counter, Histogram

from persistence.database.pool import DATABASE_FAILURES, Borrower, Pool
from persistence.log.logged import Logged
from persistence.messages import send as messages
from persistence.messages.logged import logged_message
from persistence.messages.send import Prior
from persistence.messages.views import Draft, Message, Outcome, Sent
from persistence.messages.waiting import Waiting, WaitingSends
from shared.checkpoints import COMMITTED, Checkpoints

MESSAGES = Counter("parley_persistence_messages_total", "Messages committed.")
LENGTH = Histogram(
    "parley_persistence_message_length_characters",
    "Length of a committed message's text.",
    buckets=(10, 30, 100, 300, 1000, 3000, 8000),
)

WORKERS = 3
"""Statements at a time, each on a connection of the pool: more only share out what is ready into smaller ones."""
KEPT_SECONDS = 0.02
"""For which a worker with nothing to send keeps its connection: under load there is something again by then."""
MOST_WAITING = 5000
"""About two seconds of the highest rate; then a client is better told to come back."""


class Overloaded(Exception):
    """Too many messages wait already; nothing was sent. Try again after `retry_after_seconds`."""

    retry_after_seconds = 1


class SendQueue:
    """Sends at once while it is quiet: a lone message waits for nobody, and has a statement of its own.

    What comes while statements are in flight gathers, and goes with the next one: of each conversation in the order in
    which it came, each answered alone. When Postgres is away all who wait hear it at once. `committed` hears of each
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
        self._workers = self._idle = workers
        self._most_waiting = most_waiting
        self._sends = WaitingSends()

    async def send(self, conversation_id: str, draft: Draft) -> Outcome:
        """Returns after the commit. Raises Overloaded; or DATABASE_FAILURES, after which the same client id is safe."""
        if self._sends.count >= self._most_waiting:
            raise Overloaded
        one = Waiting(conversation_id, draft, asyncio.get_running_loop().create_future())
        self._sends.add(one)
        return await one.answer

    async def run(self) -> None:
        """Forever. On its end whoever still waits is cancelled: nothing was sent for them."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._work(), name=f"send-{number}")
        finally:
            _cancel(self._sends.drain())

    async def _work(self) -> None:
        borrower = Borrower(self._pool)
        try:
            while True:
                await self._serve_next(borrower)
        finally:
            await borrower.give_back()

    async def _serve_next(self, borrower: Borrower) -> None:
        first = await self._next(borrower)
        batch = self._sends.batch(first, self._idle)
        self._idle -= 1
        try:
            if batch:
                await self._send(borrower, batch)
        finally:
            self._idle += 1
            self._sends.done(batch)
            _cancel(batch)  # only who was not answered: this worker ends

    async def _next(self, borrower: Borrower) -> str:
        try:
            async with asyncio.timeout(KEPT_SECONDS):
                return await self._sends.ready()
        except TimeoutError:
            await borrower.give_back()
        return await self._sends.ready()

    async def _send(self, borrower: Borrower, batch: Sequence[Waiting]) -> None:
        """Answers every one of the batch, whatever happens."""
        try:
            answers = await self._write(borrower, [(one.conversation_id, one.draft) for one in batch])
        except Exception as error:  # noqa: BLE001 - it is raised again, in those whom it concerns
            await self._failed(borrower, batch, error)
            return
        await self._tell(batch, [answer.message for answer in answers if isinstance(answer, Sent)])
        priors = []
        for one, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Prior):
                priors.append((one, answer))
            else:
                _answer(one, answer)
        if priors:
            await self._repeat(borrower, priors)

    async def _write(self, borrower: Borrower, drafts: Sequence[messages.Addressed]) -> Sequence[Outcome | Prior]:
        try:
            return await messages.send_joined(await borrower.connection(), drafts)
        except Exception:
            await borrower.give_back()  # it may be broken, and the next statement wants another one
            raise

    async def _failed(self, borrower: Borrower, batch: Sequence[Waiting], error: Exception) -> None:
        """Where Postgres took none of a batch for what one of it holds or waits for, the others go without that one: by
        halves, which finds it in few statements, and keeps the order."""
        if len(batch) > 1 and _is_of_one(error):
            middle = len(batch) // 2
            await self._send(borrower, batch[:middle])
            await self._send(borrower, batch[middle:])
            return
        _answer_all(batch, error)
        if isinstance(error, DATABASE_FAILURES) and not _is_of_one(error):
            # They would wait for a Postgres that is away, each for as long as those before them.
            _answer_all(self._sends.drain(), error)

    async def _tell(self, batch: Sequence[Waiting], sent: Sequence[Message]) -> None:
        spans = {one.draft.id: one.draft.span for one in batch if one.draft.span is not None}
        await self._hear(sent, spans)

    async def committed_apart(self, message: Message, span: bytes | None) -> None:
        """For a message that a transaction of its own has sent: it is told like all others."""
        await self._hear([message], {message.id: span} if span is not None else {})

    async def _hear(self, sent: Sequence[Message], spans: Mapping[str, bytes]) -> None:
        if sent:
            await self._checkpoints.reach(COMMITTED)
            self._committed([logged_message(message, spans.get(message.id)) for message in sent])
        MESSAGES.inc(len(sent))
        for message in sent:
            LENGTH.observe(len(message.text))

    async def _repeat(self, borrower: Borrower, priors: Sequence[tuple[Waiting, Prior]]) -> None:
        """After the others were answered: what is read for a repeat neither holds them up nor fails them."""
        try:
            answers = await messages.repeated(await borrower.connection(), [prior for _, prior in priors])
        except Exception as error:  # noqa: BLE001 - it is raised again, in those whom it concerns
            await borrower.give_back()
            _answer_all((one for one, _ in priors), error)
            return
        for (one, _), answer in zip(priors, answers, strict=True):
            _answer(one, answer)


def _is_of_one(error: Exception) -> bool:
    """Postgres took back the whole batch for what one of it holds (a refusal) or waits for (a deadlock, a lock)."""
    if isinstance(error, asyncpg.StatementCompletionUnknownError) or not isinstance(error, asyncpg.PostgresError):
        return False
    own = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
    return isinstance(error, own) or not isinstance(error, DATABASE_FAILURES)


def _answer(one: Waiting, answer: Outcome | Exception) -> None:
    """Who waited may be gone: a client that closed its connection."""
    if one.answer.done():
        return
    if isinstance(answer, Exception):
        one.answer.set_exception(answer)
    else:
        one.answer.set_result(answer)


def _answer_all(batch: Iterable[Waiting], error: Exception) -> None:
    for one in batch:
        _answer(one, error)


def _cancel(batch: Iterable[Waiting]) -> None:
    for one in batch:
        one.answer.cancel()
