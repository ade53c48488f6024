"""Many phones that keep coming back."""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator

import aiohttp

from shared.ids import new_id
from tests.support.fleet import Fleet, ServiceProcess

PER_USER = 5


class Crowd:
    """`connected` sockets at this moment; `refusals` counts upgrades that were answered with an HTTP status."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.connected = 0
        self.refusals: list[int] = []
        self.hints = 0
        self._session = session
        self._url = url

    async def stay(self, token: str) -> None:
        """One phone, for ever: connects, listens, moves when asked to, comes back after a moment."""
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError, aiohttp.WSServerHandshakeError):
                await self._visit(token)
            await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _visit(self, token: str) -> None:
        try:
            socket = await self._session.ws_connect(
                f"{self._url}/messages/subscribe?acks=1", headers={"Authorization": f"Bearer {token}"}
            )
        except aiohttp.WSServerHandshakeError as error:
            self.refusals.append(error.status)
            raise
        try:
            await self._listen(socket)
        finally:
            await socket.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        inside = False
        try:
            async for message in socket:
                kind = message.json()["type"]
                if kind == "connected":
                    inside = True
                    self.connected += 1
                elif kind == "reconnect":
                    self.hints += 1
                    await asyncio.sleep(message.json()["afterMs"] / 1000)
                    return
        finally:
            self.connected -= inside


@contextlib.asynccontextmanager
async def crowd(fleet: Fleet, url: str, size: int) -> AsyncIterator[Crowd]:
    """So many phones, a few of each user, until the context is left."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        gathered = Crowd(session, url)
        tokens = [fleet.token(new_id(), f"user{number}") for number in range(-(-size // PER_USER))]
        phones = [asyncio.create_task(gathered.stay(tokens[number % len(tokens)])) for number in range(size)]
        try:
            yield gathered
        finally:
            for phone in phones:
                phone.cancel()
            await asyncio.gather(*phones, return_exceptions=True)


async def sockets_of(process: ServiceProcess) -> int:
    """As the gateway's own metric says."""
    async with aiohttp.ClientSession() as session, session.get(f"{process.internal_url}/metrics") as response:
        found = re.search(r"^parley_gateway_connections (\S+)$", await response.text(), re.MULTILINE)
        assert found is not None
        return int(float(found[1]))
