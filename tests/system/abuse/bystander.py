"""Two users who have nothing to do with the attack: one sends ten messages a second, the other hears them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.person import Person, Phone

PER_SECOND = 10


@dataclass
class Seen:
    """Seconds from before the request to the frame. `missing` were never heard."""

    seconds: list[float] = field(default_factory=list)
    missing: int = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")

    def __str__(self) -> str:
        return f"{self.percentile(0.5) * 1000:5.0f} /{self.percentile(0.99) * 1000:6.0f}"


class Bystanders:
    def __init__(self, sender: Person, room: str, phone: Phone) -> None:
        self._sender, self._room, self._phone = sender, room, phone
        self._numbers = 0

    async def talk(self, seconds: float, patience: float = 20.0) -> Seen:
        """Sends so long, and waits for the last to be heard."""
        sends, started = [], time.monotonic()
        for number in range(int(seconds * PER_SECOND)):
            await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
            self._numbers += 1
            sends.append(asyncio.create_task(self._send(f"message {self._numbers}", patience)))
        return _seen(await asyncio.gather(*sends))

    async def _send(self, text: str, patience: float) -> float | None:
        began = time.monotonic()
        heard = asyncio.create_task(self._heard(text))
        try:
            async with asyncio.timeout(patience):
                await self._sender.send(self._room, text)
                return await heard - began
        except TimeoutError:
            return None
        finally:
            heard.cancel()

    async def _heard(self, text: str) -> float:
        while text not in self._phone.texts(self._room)[-200:]:
            await asyncio.sleep(0.002)
        return time.monotonic()


def _seen(results: Sequence[float | None]) -> Seen:
    return Seen([one for one in results if one is not None], sum(one is None for one in results))
