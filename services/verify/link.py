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
        elif isinstance(step, Event) and step.seq == self.reached(step.conversation_id) + 1:
            self._reach(step.conversation_id, step.seq)

    def _reach(self, conversation_id: str, seq: int) -> None:
        self._reached[conversation_id] = max(seq, self.reached(conversation_id))
