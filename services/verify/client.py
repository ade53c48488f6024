"""A simulated device that follows the contract as an app should: resume, sync, acknowledge, retry with the same id."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from services.verify.history import Acknowledged, DeviceHistory, Event, Opened, ReceiptSeen, Told

Json = dict[str, Any]
RETRY_SECONDS = (0.05, 1.0)
"""The first wait after a failure, and the longest; doubled in between, with full jitter."""
FAILURES = (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError)


@dataclass(frozen=True)
class Target:
    """Where a deployment is reached. The two may differ: in the laboratory no load balancer stands before them."""

    rest_url: str
    socket_url: str


class Refused(Exception):
    """The server answered with an error that a retry does not change."""


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
        timeout: float = 5.0,
        heartbeat: float = 2.0,
    ) -> None:
        self.history = DeviceHistory(user_id, name)
        self._session = session
        self._target = target
        self._token = token
        self._random = random.Random(seed)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._heartbeat = heartbeat
        self._connection = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._wants_sync = asyncio.Event()
        self.connected = asyncio.Event()
        self.as_of: str | None = None
        self.epoch: str | None = None

    # --- staying connected

    async def run(self) -> None:
        """Connects, and connects again, for ever."""
        failures = 0
        while True:
            try:
                async with self._opened() as socket:
                    failures = 0
                    await self._live(socket)
            except FAILURES:
                failures += 1
            self.connected.clear()
            await asyncio.sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        first, longest = RETRY_SECONDS
        return self._random.uniform(0, min(longest, first * 2**failures))

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        self._connection += 1
        socket = await self._session.ws_connect(
            f"{self._target().socket_url}/messages/subscribe?acks=1",
            headers={"Authorization": f"Bearer {self._token()}"},
            timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
            max_msg_size=4 * 1024 * 1024,
        )
        self._socket = socket
        try:
            yield socket
        finally:
            self._socket = None
            await socket.close()

    async def _live(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Reads until the socket ends or falls silent; sync runs beside it, as in an app."""
        async with asyncio.TaskGroup() as group:
            syncing = group.create_task(self._sync_when_wanted(), name="sync")
            try:
                while True:
                    message = await socket.receive(timeout=self._heartbeat * 2 + 1)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return
                    await self._take(msgspec.json.decode(message.data))
            except TimeoutError:
                return
            finally:
                syncing.cancel()

    async def _take(self, frame: Json) -> None:
        match frame["type"]:
            case "connected":
                self.history.steps.append(Opened(self._connection, dict(frame["heads"])))
                self.connected.set()
                self._wants_sync.set()
            case "message.new":
                await self._apply_live(frame)
            case "message.delivered" | "message.read":
                self.history.steps.append(
                    ReceiptSeen(frame["conversationId"], frame["senderId"], frame["status"], frame["seq"])
                )
            case "sync":
                self.history.steps.append(Told(frame["conversationId"], self._connection, frame["lastSeq"]))
                self._wants_sync.set()
            case "conversation.new":
                head = int(frame["conversation"]["lastSeq"])
                self.history.steps.append(Opened(self._connection, {frame["conversationId"]: head}))
                self._wants_sync.set()

    async def _apply_live(self, frame: Json) -> None:
        conversation = str(frame["conversationId"])
        self.history.steps.append(_event(frame, self._connection, live=True))
        held = self.history.held.setdefault(conversation, {})
        if frame["seq"] == self.cursor(conversation) + 1:
            held[frame["seq"]] = frame["messageId"]
            await self._say("delivered", conversation)
        elif frame["seq"] not in held:
            self._wants_sync.set()

    def cursor(self, conversation: str) -> int:
        """Up to which seq the device holds everything: it never skips one, so it is how many it holds."""
        return len(self.history.held.get(conversation, ()))

    async def _say(self, kind: str, conversation: str) -> None:
        """A cursor that is lost with its socket is said again after the next sync."""
        socket = self._socket
        if socket is not None and not socket.closed:
            frame = {"type": kind, "conversationId": conversation, "seq": self.cursor(conversation)}
            with contextlib.suppress(*FAILURES):
                await socket.send_str(msgspec.json.encode(frame).decode())

    async def read_all(self, conversation: str) -> None:
        """The person looks at the conversation."""
        if self.cursor(conversation):
            await self._say("read", conversation)

    # --- catching up

    async def _sync_when_wanted(self) -> None:
        while True:
            await self._wants_sync.wait()
            self._wants_sync.clear()
            try:
                await self.sync()
            except FAILURES:
                # Asked for again by itself: a device that could not sync still wants to.
                self._wants_sync.set()
                await asyncio.sleep(self._pause(1))

    async def sync(self) -> None:
        """Brings the device up to date, in as many answers as it takes. Raises FAILURES."""
        complete = False
        while not complete:
            cursors = {conversation: self.cursor(conversation) for conversation in self.history.held}
            answer = await self._call("POST", "/api/sync", {"conversations": cursors, "asOf": self.as_of})
            complete = bool(answer["complete"])
            self._adopt(answer)
        for conversation in self.history.held:
            await self._say("delivered", conversation)

    def _adopt(self, answer: Json) -> None:
        if self.epoch is not None and self.epoch != answer["epoch"]:
            self.history.held.clear()
        self.epoch, self.as_of = answer["epoch"], answer["asOf"] if answer["complete"] else self.as_of
        for conversation, part in answer["conversations"].items():
            held = self.history.held.setdefault(conversation, {})
            for frame in part["events"]:
                self.history.steps.append(_event(frame, self._connection, live=False))
                if frame["seq"] == self.cursor(conversation) + 1:
                    held[frame["seq"]] = frame["messageId"]
        for conversation in answer["left"]:
            self.history.held.pop(conversation, None)

    # --- speaking

    async def send(self, conversation: str, client_id: str, text: str) -> Acknowledged:
        """Sends until it is acknowledged, with the same `client_id` on every try. Raises Refused."""
        failures = 0
        path = f"/api/conversations/{conversation}/messages"
        while True:
            try:
                answer = await self._call("POST", path, {"text": text, "clientId": client_id})
            except FAILURES:
                failures += 1
                await asyncio.sleep(self._pause(failures))
                continue
            message = answer["message"]
            sent = Acknowledged(conversation, client_id, message["id"], message["seq"], message["text"])
            self.history.acknowledged.append(sent)
            return sent

    async def create(self, participants: list[str], *, group: bool, name: str | None = None) -> str:
        """A conversation with these people; its id."""
        body = {"participantIds": participants, "isGroup": group, "name": name}
        answer = await self._retried(lambda: self._call("POST", "/api/conversations", body))
        return str(answer["conversation"]["id"])

    async def fetch(self, path: str) -> Json:
        """GET, tried until it is answered. Raises Refused."""
        return await self._retried(lambda: self._call("GET", path, None))

    async def _retried(self, call: Callable[[], Awaitable[Json]]) -> Json:
        failures = 0
        while True:
            try:
                return await call()
            except FAILURES:
                failures += 1
                await asyncio.sleep(self._pause(failures))

    async def _call(self, method: str, path: str, body: Json | None) -> Json:
        """One request. Raises FAILURES where another try may succeed (5xx and 429 too), Refused where none will."""
        async with self._session.request(
            method,
            self._target().rest_url + path,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"},
            timeout=self._timeout,
        ) as response:
            raw = await response.read()
            if response.status >= 500 or response.status == 429:
                raise aiohttp.ClientPayloadError(f"{path} answered {response.status}")
            if response.status >= 400:
                raise Refused(f"{method} {path} answered {response.status}: {raw[:200]!r}")
            answer: Json = msgspec.json.decode(raw)
            return answer


def _event(frame: Json, connection: int, *, live: bool) -> Event:
    return Event(frame["conversationId"], frame["seq"], frame["messageId"], frame["text"], connection, live)
