"""A simulated device that follows the contract as an app should: resume, sync, acknowledge, retry with the same id."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from socket import SHUT_RDWR, socket
from typing import Any

import aiohttp
import msgspec

from services.verify.frames import is_durable, step_of
from services.verify.history import Acknowledged, Closed, DeviceHistory, Scheduled
from services.verify.link import Link
from services.verify.local_copy import LocalCopy
from services.verify.reports import Reports
from services.verify.rest import FAILURES, Backoff, Json, Rest, Target


class Device:
    """One phone of a user. `run` until cancelled; everything it does and sees goes to `history`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: Callable[[], Target],
        user_id: str,
        token: Callable[[], str],
        *,
        name: str,
        seed: int = 0,
        silence_seconds: float = 60.0,
    ) -> None:
        self.history = DeviceHistory(user_id, name)
        self.connected = asyncio.Event()
        self._session = session
        self._target = target
        self.token = token
        self._backoff = Backoff(seed)
        self.rest = Rest(session, target, token, self._backoff)
        self._silence_seconds = silence_seconds
        self._connection = 0
        self._link: Link | None = None
        self._reports = Reports(self.history)
        self._wants_sync = asyncio.Event()
        self._copy = LocalCopy(self.history)

    @property
    def connections(self) -> int:
        """How often it has connected, or tried to."""
        return self._connection

    def cut(self) -> None:
        """Loses the network: the socket is gone without a word, and the device connects anew."""
        below = None if self._link is None else self._link.socket.get_extra_info("socket")
        if below is not None:
            # A twin of the descriptor, because uvloop does not let its own be shut down.
            with socket(fileno=os.dup(below.fileno())) as twin, contextlib.suppress(OSError):
                twin.shutdown(SHUT_RDWR)

    def cursor(self, conversation_id: str) -> int:
        """Up to which seq the device holds everything."""
        return self._copy.cursor(conversation_id)

    def reached(self, conversation_id: str) -> int:
        """Up to which seq the present connection has accounted for everything; 0 where there is none."""
        return 0 if self._link is None else self._link.reached(conversation_id)

    async def run(self) -> None:
        """Connects, and connects again, for ever."""
        async with asyncio.TaskGroup() as group:
            # Sync runs beside the socket, as in an app.
            group.create_task(self._sync_when_wanted(), name="sync")
            await self._stay_connected()

    async def _stay_connected(self) -> None:
        failures = 0
        link: Link | None = None
        while True:
            try:
                link = link or await self._open()
                failures = 0
                link = await self._live(link)
            except FAILURES:
                link = None
                failures += 1
            if link is None:
                self.connected.clear()
                await self._backoff.pause(failures)

    async def send(self, conversation_id: str, client_id: str, text: str, **more: Any) -> Acknowledged:
        """Sends until it is acknowledged. Raises Refused."""
        sent = await self.rest.send(conversation_id, client_id, text, **more)
        self.history.acknowledged.append(sent)
        return sent

    async def send_later(self, conversation_id: str, client_id: str, text: str) -> None:
        """Has it sent at a later time, and waits until that was done. Raises Refused."""
        self.history.scheduled.append(Scheduled(conversation_id, text))
        self.history.acknowledged += await self.rest.send_later(conversation_id, client_id, text)

    async def hide(self, conversation_id: str) -> None:
        """The person removes it from their list. Raises Refused."""
        await self.rest.persist("DELETE", f"/api/conversations/{conversation_id}")

    async def read_all(self, conversation_id: str) -> None:
        """The person looks at the conversation."""
        newest = self._copy.newest(conversation_id)
        if newest:
            await self._say(self._reports.read(conversation_id, newest))

    async def read_earlier(self, conversation_id: str) -> None:
        """As an app does that reports what is on the screen, and somebody scrolls up: it takes nothing back."""
        earlier = self._copy.newest(conversation_id, self.cursor(conversation_id) // 2)
        if earlier:
            await self._say(self._reports.read(conversation_id, earlier))

    async def read_past_the_end(self, conversation_id: str) -> None:
        """As an app does that says "all of it": that is what there is at this moment, and nothing that comes later."""
        if self._link is not None and self.cursor(conversation_id):
            await self._say(self._reports.read_past_the_end(conversation_id))

    async def _open(self) -> Link:
        """A socket that was told `connected`. Raises FAILURES."""
        self._connection += 1
        number = self._connection
        socket = await self._session.ws_connect(
            f"{self._target().socket_url}/messages/subscribe?acks=1",
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
        )
        link = Link(number, socket)
        try:
            while not link.is_connected:
                await self._hear(link)
        except BaseException:
            await socket.close()
            raise
        self._link = link
        return link

    async def _live(self, link: Link) -> Link | None:
        """Reads until the socket ends. Asked to move, it opens the new socket first, and gives that one."""
        reading = asyncio.create_task(self._read(link), name="read")
        moving: asyncio.Task[Link] | None = None
        try:
            first: list[asyncio.Future[Any]] = [reading, link.asked_to_leave]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not link.asked_to_leave.done():
                await reading
                self.history.steps.append(Closed(link.number))
                return None
            moving = asyncio.create_task(self._move(link.asked_to_leave.result()), name="move")
            moved = await moving
            self.history.steps.append(Closed(link.number))
            return moved
        finally:
            await _end([task for task in (reading, moving) if task is not None])
            if self._link is link:
                self._link = None
            await link.socket.close()

    async def _move(self, after_seconds: float) -> Link:
        await asyncio.sleep(after_seconds)
        failures = 0
        while True:
            try:
                return await self._open()
            except FAILURES:
                failures += 1
                await self._backoff.pause(failures)

    async def _read(self, link: Link) -> None:
        """Until it ends or falls silent, pings included."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while True:
                await self._hear(link)

    async def _hear(self, link: Link) -> None:
        """One frame. Raises TimeoutError where none comes, ConnectionError at the end."""
        message = await link.socket.receive(self._silence_seconds)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError("the socket has ended")
        await self._take(msgspec.json.decode(message.data), link)

    async def _take(self, frame: Json, link: Link) -> None:
        step = step_of(frame, link.number)
        if step is not None:
            self.history.steps.append(step)
            link.account_for(step)
        match frame["type"]:
            case "connected":
                link.is_connected = True
                self.connected.set()
                self._compare(frame)
            case "heads":
                self._compare(frame)
            case "sync" | "conversation.new":
                self._wants_sync.set()
            case "conversation.left":
                self._copy.forget(frame["conversationId"])
            case "reconnect" if not link.asked_to_leave.done():
                link.asked_to_leave.set_result(frame["afterMs"] / 1000)
            case _ if is_durable(frame):
                await self._apply_live(frame)

    def _compare(self, frame: Json) -> None:
        """Heads may come in several parts, and before the last one nothing is known to be missing."""
        if frame.get("last", True):
            self._wants_sync.set()

    async def _apply_live(self, frame: Json) -> None:
        conversation_id = str(frame["conversationId"])
        if not self._copy.add(frame):
            if frame["seq"] > self.cursor(conversation_id):
                self._wants_sync.set()
        elif self._copy.newest(conversation_id) == frame["seq"]:  # only a message is reported
            await self._say(self._reports.delivered(conversation_id, frame["seq"]))

    async def _sync_when_wanted(self) -> None:
        while True:
            await self._wants_sync.wait()
            self._wants_sync.clear()
            try:
                await self._sync()
            except FAILURES:
                self._wants_sync.set()
                await self._backoff.pause(1)

    async def _sync(self) -> None:
        """Brings the device up to date, in as many answers as it takes. Raises FAILURES and Refused."""
        whole = False
        while not whole:
            answer = await self.rest.call("POST", "/api/sync", self._copy.question())
            whole = self._copy.adopt(answer, self._connection)
        for report in self._reports.again(self._copy.newest_of_all()):
            await self._say(report)

    async def _say(self, frame: str) -> None:
        """One that is lost with its socket is said again after the next sync."""
        if self._link is not None and not self._link.socket.closed:
            with contextlib.suppress(*FAILURES):
                await self._link.socket.send_str(frame)


async def _end(tasks: Sequence["asyncio.Task[object]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
