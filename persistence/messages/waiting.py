"""What waits to be sent, by conversation: one statement at a time sends into each."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from persistence.messages.views import Draft, Outcome

MOST_MESSAGES = 64
"""In one statement: past that the statement's own time grows as fast as what it saves."""
MOST_CONVERSATIONS = 16
"""In one statement, which locks all of them until its commit; measured, more save nothing."""


class Waiting(NamedTuple):
    conversation_id: str
    draft: Draft
    answer: "asyncio.Future[Outcome]"


class WaitingSends:
    """Whoever takes a batch is the only one that sends into its conversations until `done`."""

    def __init__(self) -> None:
        self.count = 0
        # A conversation has a key here while something waits for it or is in flight, and stands in `_ready` only if
        # nothing is in flight.
        self._waiting: dict[str, deque[Waiting]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()

    def add(self, one: Waiting) -> None:
        self.count += 1
        waiting = self._waiting.get(one.conversation_id)
        if waiting is None:
            self._waiting[one.conversation_id] = deque((one,))
            self._ready.put_nowait(one.conversation_id)
        else:
            waiting.append(one)

    async def ready(self) -> str:
        """A conversation with something to send, for `batch`. Waits until there is one."""
        return self._ready.get_nowait() if self._ready.qsize() else await self._ready.get()

    def batch(self, first: str, takers: int) -> list[Waiting]:
        """What one of so many takers shall send in one statement: `first`, and its fair share of all that are ready.

        In each conversation in the order in which they came, and never two of one sender with one client id: the second
        is judged when the first one was. Empty where all were given up meanwhile.
        """
        share = min(-(-(1 + self._ready.qsize()) // takers), MOST_CONVERSATIONS)
        batch = self._of(first, MOST_MESSAGES)
        while share > 1 and len(batch) < MOST_MESSAGES:
            batch += self._of(self._ready.get_nowait(), MOST_MESSAGES - len(batch))
            share -= 1
        return batch

    def done(self, batch: Sequence[Waiting]) -> None:
        """These were answered: their conversations are ready again, if anything waits for them."""
        for conversation_id in {one.conversation_id: None for one in batch}:
            self._release(conversation_id)

    def drain(self) -> list[Waiting]:
        """All that wait, who are somebody else's to answer then."""
        drained = [one for waiting in self._waiting.values() for one in waiting]
        for waiting in self._waiting.values():
            waiting.clear()
        self.count = 0
        return drained

    def _of(self, conversation_id: str, most: int) -> list[Waiting]:
        waiting, batch = self._waiting[conversation_id], list[Waiting]()
        named: set[tuple[str, str]] = set()
        while waiting and len(batch) < most:
            draft = waiting[0].draft
            if draft.client_id is not None:
                if (draft.sender_id, draft.client_id) in named:
                    break
                named.add((draft.sender_id, draft.client_id))
            batch.append(waiting.popleft())
        self.count -= len(batch)
        if not batch:
            self._release(conversation_id)
        return batch

    def _release(self, conversation_id: str) -> None:
        if self._waiting[conversation_id]:
            self._ready.put_nowait(conversation_id)
        else:
            del self._waiting[conversation_id]
