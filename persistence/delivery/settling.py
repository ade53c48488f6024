"""What follows a publication: push state is written, then the outbox rows are deleted. In batches, after the answer.

If any of it fails, or the process dies, the rows are still there and the relay does it all again.
"""

import asyncio

import structlog

from persistence.delivery.push_state import PushState
from persistence.store import memberships, outbox
from persistence.store.database import DATABASE_FAILURES, Pool
from persistence.store.views import Member, Message
from shared.checkpoints import PUBLISHED, Checkpoints
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

BATCH = 500
GATHER_SECONDS = 0.02
"""Nobody waits for it, and for all that were sent meanwhile it costs four round trips instead of four for each."""
MOST_WAITING = 20_000


class Settling:
    """`published` and `told` never wait; `run` does the work. Beyond MOST_WAITING it is left to the relay."""

    def __init__(self, pool: Pool, push_state: PushState, checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._push_state = push_state
        self._checkpoints = checkpoints
        self._messages: list[Message] = []
        self._members: list[Member] = []
        self._spans: dict[str, bytes] = {}
        self._wake = asyncio.Event()

    def published(self, message: Message, span: bytes | None = None) -> None:
        """`span` is the context of its publication, where that was traced."""
        if len(self._messages) < MOST_WAITING:
            self._messages.append(message)
            self._wake.set()
            if span is not None:
                self._spans[message.id] = span

    def told(self, member: Member) -> None:
        """The member's devices were told of the change that gave them this version."""
        if len(self._members) < MOST_WAITING:
            self._members.append(member)
            self._wake.set()

    async def run(self) -> None:
        """Forever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            messages, self._messages = self._messages[:BATCH], self._messages[BATCH:]
            members, self._members = self._members, []
            if not self._messages:
                self._wake.clear()
            try:
                await self._settle(messages, members)
            except (*REDIS_FAILURES, *DATABASE_FAILURES) as error:
                ERRORS.labels("persistence", "settle").inc()
                log.warning("settling fails, the relay will repeat it", error=f"{type(error).__name__}: {error}")

    async def _settle(self, messages: list[Message], members: list[Member]) -> None:
        if members:
            await memberships.settle(self._pool, members)
        if messages:
            spans = {message.id: self._spans.pop(message.id) for message in messages if message.id in self._spans}
            await self._push_state.write(self._pool, messages, spans)
            await self._checkpoints.reach(PUBLISHED)
            await outbox.settle(self._pool, [(message.conversation_id, message.seq) for message in messages])
