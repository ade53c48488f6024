"""A big group on one gateway, a tenth of which stops reading; and what that costs the gateway."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import psutil

from shared.ids import new_id
from tests.support.fleet import Fleet, ServiceProcess
from tests.support.waiting import eventually

TEXT = "x" * 7000
"""Near the longest message there is: what waits for somebody who does not read then grows fast."""
AT_ONCE = 10
IN_A_ROW = 20
"""Messages: half of what an outbox holds."""
SMALL_WINDOW = 4096


@dataclass(eq=False)
class Reader:
    """Reads all that comes and keeps only how far it came."""

    socket: aiohttp.ClientWebSocketResponse
    seq: int = 0
    is_whole: bool = True
    close_code: int | None = None

    async def read(self) -> None:
        async for message in self.socket:
            frame = message.json()
            if frame["type"] == "message.new":
                self.is_whole = self.is_whole and frame["seq"] == self.seq + 1
                self.seq = frame["seq"]
        self.close_code = self.socket.close_code

    def stop(self) -> None:
        """As a phone that sleeps with its socket open: its window closes after a few kilobytes."""
        transport = self._transport()
        below: socket.socket = transport.get_extra_info("socket")
        below.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        transport.pause_reading()

    def go_on(self) -> None:
        self._transport().resume_reading()

    def _transport(self) -> asyncio.ReadTransport:
        connection = self.socket._response.connection
        assert connection is not None
        assert isinstance(connection.transport, asyncio.ReadTransport)
        return connection.transport


@dataclass
class Group:
    """One conversation. `readers` are its members but the first, who sends."""

    http: aiohttp.ClientSession
    store: ServiceProcess
    tokens: list[str]
    conversation_id: str = ""
    sent: int = 0
    readers: list[Reader] = field(default_factory=list)

    async def say(self, count: int, readers: list[Reader]) -> None:
        """So many messages, no faster than these read them: on a busy machine all would be slow readers else."""
        for _ in range(0, count, IN_A_ROW):
            await self._say_in_a_row()
            await eventually(lambda: all(reader.seq == self.sent for reader in readers), 30.0)

    async def _say_in_a_row(self) -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with turns:
                await self._post(f"/api/conversations/{self.conversation_id}/messages", {"text": TEXT})

        await asyncio.gather(*(one() for _ in range(IN_A_ROW)))
        self.sent += IN_A_ROW

    async def make(self, members: list[str]) -> None:
        answer = await self._post("/api/conversations", {"participantIds": members, "isGroup": True, "name": "big"})
        self.conversation_id = answer["conversation"]["id"]

    async def _post(self, path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self.tokens[0]}"}
        async with self.http.post(self.store.url + path, json=body, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            made: dict[str, dict[str, str]] = await answer.json()
            return made


@contextlib.asynccontextmanager
async def group(running: Fleet, store: ServiceProcess, gateway: ServiceProcess, size: int) -> AsyncIterator[Group]:
    """So many people in one conversation, all but the sender connected to this gateway."""
    people = [new_id() for _ in range(size)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
        made = Group(http, store, [running.token(one, "member") for one in people])
        await made.make(people)
        for token in made.tokens[1:]:
            url = f"{gateway.url}/messages/subscribe?acks=1"
            made.readers.append(Reader(await http.ws_connect(url, headers={"Authorization": f"Bearer {token}"})))
        reading = [tasks.create_task(reader.read()) for reader in made.readers]
        try:
            yield made
        finally:
            for task in reading:
                task.cancel()


def resident_bytes(process: ServiceProcess) -> int:
    return int(psutil.Process(process.pid).memory_info().rss)


async def slow_consumers(process: ServiceProcess) -> int:
    """As the gateway's own metric says."""
    async with aiohttp.ClientSession() as session, session.get(f"{process.internal_url}/metrics") as response:
        found = re.search(r"^parley_gateway_slow_consumers_total (\S+)$", await response.text(), re.MULTILINE)
        assert found is not None
        return int(float(found[1]))
