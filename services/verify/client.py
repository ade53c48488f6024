"""A simulated device that follows the contract as an app should: resume, sync, acknowledge, retry with the same id."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from socket import SHUT_RDWR, socket
from typing import Any

import aiohttp
import msgspec

from services.verify.history import Acknowledged, DeviceHistory, Event, Opened, ReceiptSeen, Told
from services.verify.rest import FAILURES, Backoff, Json, Rest, Target


class _Link:
    """One connection. `asked_to_leave` says after how many seconds its gateway wants it to move."""

    def __init__(self, number: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.number = number
        self.socket = socket
        self.is_connected = False
        self.asked_to_leave: asyncio.Future[float] = asyncio.get_running_loop().create_future()


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
        self._token = token
        self._backoff = Backoff(seed)
        self.rest = Rest(session, target, token, self._backoff)
        self._silence_seconds = silence_seconds
        self._connection = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._wants_sync = asyncio.Event()
        self._as_of: str | None = None
        self._epoch: str | None = None

    @property
    def connections(self) -> int:
        """How often it has connected, or tried to."""
        return self._connection

    def cut(self) -> None:
        """Loses the network: the socket is gone without a word, and the device connects anew."""
        below = None if self._socket is None else self._socket.get_extra_info("socket")
        if below is not None:
            # A twin of the descriptor, because uvloop does not let its own be shut down.
            with socket(fileno=os.dup(below.fileno())) as twin, contextlib.suppress(OSError):
                twin.shutdown(SHUT_RDWR)

    def cursor(self, conversation_id: str) -> int:
        """Up to which seq the device holds everything: it never skips one, so it is how many it holds."""
        return len(self.history.held.get(conversation_id, ()))

    async def run(self) -> None:
        """Connects, and connects again, for ever."""
        async with asyncio.TaskGroup() as group:
            # Sync runs beside the socket, as in an app.
            group.create_task(self._sync_when_wanted(), name="sync")
            await self._stay_connected()

    async def _stay_connected(self) -> None:
        failures = 0
        link: _Link | None = None
        while True:
            try:
                link = await self._live(link or await self._open())
                failures = 0
            except FAILURES:
                link = None
                failures += 1
            if link is None:
                self.connected.clear()
                await self._backoff.pause(failures)

    async def send(self, conversation_id: str, client_id: str, text: str) -> Acknowledged:
        """Sends until it is acknowledged. Raises Refused."""
        sent = await self.rest.send(conversation_id, client_id, text)
        self.history.acknowledged.append(sent)
        return sent

    async def read_all(self, conversation_id: str) -> None:
        """The person looks at the conversation."""
        if self.cursor(conversation_id):
            await self._say("read", conversation_id)

    async def _open(self) -> "_Link":
        """A socket that was told `connected`. Raises FAILURES."""
        self._connection += 1
        number = self._connection
        socket = await self._session.ws_connect(
            f"{self._target().socket_url}/messages/subscribe?acks=1",
            headers={"Authorization": f"Bearer {self._token()}"},
            timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
        )
        link = _Link(number, socket)
        try:
            while not link.is_connected:
                await self._hear(link)
        except BaseException:
            await socket.close()
            raise
        self._socket = socket
        return link

    async def _live(self, link: "_Link") -> "_Link | None":
        """Reads until the socket ends. Asked to move, it opens the new socket first, and gives that one."""
        reading = asyncio.create_task(self._read(link), name="read")
        moving: asyncio.Task[_Link] | None = None
        try:
            first: list[asyncio.Future[Any]] = [reading, link.asked_to_leave]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not link.asked_to_leave.done():
                await reading
                return None
            moving = asyncio.create_task(self._move(link.asked_to_leave.result()), name="move")
            return await moving
        finally:
            await _end([task for task in (reading, moving) if task is not None])
            if self._socket is link.socket:
                self._socket = None
            await link.socket.close()

    async def _move(self, after_seconds: float) -> "_Link":
        await asyncio.sleep(after_seconds)
        failures = 0
        while True:
            try:
                return await self._open()
            except FAILURES:
                failures += 1
                await self._backoff.pause(failures)

    async def _read(self, link: "_Link") -> None:
        """Until it ends or falls silent, pings included."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while True:
                await self._hear(link)

    async def _hear(self, link: "_Link") -> None:
        """One frame. Raises TimeoutError where none comes, ConnectionError at the end."""
        message = await link.socket.receive(self._silence_seconds)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError("the socket has ended")
        await self._take(msgspec.json.decode(message.data), link)

    async def _take(self, frame: Json, link: "_Link") -> None:
        steps = self.history.steps
        match frame["type"]:
            case "connected":
                steps.append(Opened(link.number, dict(frame["heads"])))
                link.is_connected = True
                self.connected.set()
                self._wants_sync.set()
            case "message.new":
                await self._apply_live(frame, link)
            case "message.delivered" | "message.read":
                steps.append(ReceiptSeen(frame["conversationId"], frame["senderId"], frame["status"], frame["seq"]))
            case "sync":
                steps.append(Told(frame["conversationId"], link.number, frame["lastSeq"]))
                self._wants_sync.set()
            case "conversation.new":
                head = int(frame["conversation"]["lastSeq"])
                steps.append(Opened(link.number, {frame["conversationId"]: head}))
                self._wants_sync.set()
            case "reconnect" if not link.asked_to_leave.done():
                link.asked_to_leave.set_result(frame["afterMs"] / 1000)

    async def _apply_live(self, frame: Json, link: "_Link") -> None:
        conversation_id = str(frame["conversationId"])
        self.history.steps.append(_event(frame, link.number, live=True))
        if self._hold(frame):
            await self._say("delivered", conversation_id)
        elif frame["seq"] > self.cursor(conversation_id):
            self._wants_sync.set()

    def _hold(self, frame: Json) -> bool:
        """Applies an event iff it is the next one."""
        conversation_id = str(frame["conversationId"])
        if frame["seq"] != self.cursor(conversation_id) + 1:
            return False
        self.history.held.setdefault(conversation_id, {})[frame["seq"]] = frame["messageId"]
        return True

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
            cursors = {conversation_id: self.cursor(conversation_id) for conversation_id in self.history.held}
            asked = {"conversations": cursors} | ({"asOf": self._as_of} if self._as_of else {})
            answer = await self.rest.call("POST", "/api/sync", asked)
            whole = self._adopt(answer)
        for conversation_id in self.history.held:
            await self._say("delivered", conversation_id)

    def _adopt(self, answer: Json) -> bool:
        """Applies the answer; False where the device must ask again."""
        whole = bool(answer["complete"])
        if self._epoch not in (None, answer["epoch"]):
            self.history.held.clear()
        self._epoch = answer["epoch"]
        if whole:
            self._as_of = answer["asOf"]
        for conversation_id, part in answer["conversations"].items():
            held = self.history.held.setdefault(conversation_id, {})
            if not held and part["events"] and part["firstSeq"] > 1:
                # A new device gets the newest events alone. This one wants all: named by now, it asks from the start.
                whole = False
                continue
            for frame in part["events"]:
                self.history.steps.append(_event(frame, self._connection, live=False))
                self._hold(frame)
        for conversation_id in answer["left"]:
            self.history.held.pop(conversation_id, None)
        return whole

    async def _say(self, kind: str, conversation_id: str) -> None:
        """A cursor that is lost with its socket is said again after the next sync."""
        socket = self._socket
        if socket is not None and not socket.closed and self.cursor(conversation_id):
            frame = {"type": kind, "conversationId": conversation_id, "seq": self.cursor(conversation_id)}
            with contextlib.suppress(*FAILURES):
                await socket.send_str(msgspec.json.encode(frame).decode())


async def _end(tasks: Sequence["asyncio.Task[object]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _event(frame: Json, connection: int, *, live: bool) -> Event:
    return Event(
        frame["conversationId"], frame["seq"], frame["messageId"], frame["text"], connection, live, time.monotonic()
    )
