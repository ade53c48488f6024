"""One connection of a simulated device."""

import asyncio

import aiohttp

from services.verify.history import Event, Opened, Step, Told


class Link:
    """`asked_to_leave` says after how many seconds its gateway wants it to move."""

    def __init__(self, number: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.number = number
        self.socket = socket
        self.is_connected = False
        self.asked_to_leave: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._reached: dict[str, int] = {}

    def reached(self, conversation_id: str) -> int:
        """Up to which seq it has accounted for everything: by its head, live events, and what it was told to sync."""
        return self._reached.get(conversation_id, 0)

    def account_for(self, step: Step) -> None:
        if isinstance(step, Opened):
            for conversation_id, head in step.heads.items():
                self._reach(conversation_id, head)
        elif isinstance(step, Told):
            self._reach(step.conversation_id, step.last_seq)
        elif isinstance(step, Event) and self._is_next(step):
            self._reach(step.conversation_id, step.seq)

    def _is_next(self, event: Event) -> bool:
        """What was hidden when the connection opened has no head: it begins with what brought it back."""
        return event.seq == self._reached.get(event.conversation_id, event.seq - 1) + 1

    def _reach(self, conversation_id: str, seq: int) -> None:
        self._reached[conversation_id] = max(seq, self.reached(conversation_id))
