"""A person with a phone, for tests: REST calls that say what they got, and a socket whose frames can be awaited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from shared.ids import new_id

Json = dict[str, Any]


class Phone:
    """A connected socket. Frames stay in `seen`, in order, until the test ends."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Json] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                async with self._news:
                    self.seen.append(message.json())
                    self._news.notify_all()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def frame(self, kind: str, *, seconds: float = 30.0, **fields: Any) -> Json:
        """The first frame of this type with these fields, seen already or as soon as it comes."""

        def found() -> Json | None:
            return next((one for one in self.seen if one["type"] == kind and _has(one, fields)), None)

        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: found() is not None)
        frame = found()
        assert frame is not None
        return frame

    def texts(self, conversation_id: str) -> list[str]:
        return [
            one["text"]
            for one in self.seen
            if one["type"] == "message.new" and one["conversationId"] == conversation_id
        ]


class Person:
    """A user of a deployment: `rest` and `socket` are the base URLs that they use."""

    def __init__(
        self, http: aiohttp.ClientSession, rest: str, token: str, *, socket: str | None = None, user_id: str = ""
    ) -> None:
        self.id = user_id or new_id()
        self.token = token
        self._http = http
        self._rest = rest
        self._socket = socket or rest

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        async with self._http.request(method, self._rest + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def converse(self, *others: "Person") -> str:
        """A conversation with them; its id."""
        status, answer = await self.call("POST", "/api/conversations", {"participantIds": [one.id for one in others]})
        assert status in (200, 201), answer
        return str(answer["conversation"]["id"])

    async def send(self, conversation_id: str, text: str, **fields: Any) -> Json:
        path = f"/api/conversations/{conversation_id}/messages"
        status, answer = await self.call("POST", path, {"text": text, **fields})
        assert status in (200, 201), answer
        return dict(answer["message"])

    @contextlib.asynccontextmanager
    async def phone(self, *, acks: bool = True) -> AsyncIterator[Phone]:
        """A socket that was told `connected`; closed on leaving."""
        query = "?acks=1" if acks else ""
        socket = await self._http.ws_connect(
            f"{self._socket}/messages/subscribe{query}", headers={"Authorization": f"Bearer {self.token}"}
        )
        phone = Phone(socket)
        listening = asyncio.create_task(phone.listen(), name="phone")
        try:
            await phone.frame("connected")
            yield phone
        finally:
            listening.cancel()
            await socket.close()


def _has(frame: Json, fields: Json) -> bool:
    return all(frame.get(name) == value for name, value in fields.items())
