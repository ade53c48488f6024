"""A simulated device's REST calls: each tried until it is answered, as an app does on a bad network."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from services.verify.history import Acknowledged

Json = dict[str, Any]
LATER_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
FAILURES = (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError)
"""What another try may mend: no connection, no answer in time, 429 and 5xx."""


@dataclass(frozen=True)
class Target:
    """Where a deployment is reached. The two differ where no load balancer stands before them."""

    rest_url: str
    socket_url: str


class Refused(Exception):
    """The server answered with an error that a retry does not change."""


class Backoff:
    """Full jitter: a pause between 0 and a bound that doubles with each failure."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    async def pause(self, failures: int) -> None:
        await asyncio.sleep(self._random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**failures)))


class Rest:
    """Calls for one user. `target` and `token` are asked anew for each try: both may change meanwhile."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: Callable[[], Target],
        token: Callable[[], str],
        backoff: Backoff,
        *,
        timeout: float = 5.0,
    ) -> None:
        self._session = session
        self._target = target
        self._token = token
        self._backoff = backoff
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def send(self, conversation_id: str, client_id: str, text: str, **more: Any) -> Acknowledged:
        """Sends until it is acknowledged, with the same `client_id` on every try. Raises Refused."""
        path, began = f"/api/conversations/{conversation_id}/messages", time.monotonic()
        answer = await self.persist("POST", path, {"text": text, "clientId": client_id, **more})
        message = answer["message"]
        return Acknowledged(
            conversation_id, client_id, message["id"], message["seq"], message["text"], time.monotonic(), began
        )

    async def send_later(self, conversation_id: str, client_id: str, text: str) -> list[Acknowledged]:
        """Has it sent by the server; once that was done, as `send`; none where it was refused. Raises Refused."""
        at, began = (datetime.now(UTC) + timedelta(seconds=LATER_SECONDS)).isoformat(), time.monotonic()
        body = {"conversationId": conversation_id, "sendAt": at, "text": text, "clientId": client_id}
        made = (await self.persist("POST", "/api/scheduled", body))["scheduled"]
        waiting: Json | None = made
        while waiting is not None and waiting["state"] == "waiting":
            await asyncio.sleep(LATER_SECONDS)
            listed = (await self.persist("GET", "/api/scheduled?limit=100"))["scheduled"]
            waiting = next((one for one in listed if one["id"] == made["id"]), None)
        page = await self.persist("GET", f"/api/conversations/{conversation_id}/messages?limit=100")
        key, ended = f"scheduled:{made['id']}", time.monotonic()
        return [
            Acknowledged(conversation_id, client_id, one["id"], one["seq"], one["text"], ended, began)
            for one in page["messages"]
            if one.get("clientId") == key
        ]

    async def create(self, participants: list[str], *, group: bool, name: str | None = None) -> str:
        """A conversation with these people; its id. Raises Refused."""
        body = {"participantIds": participants, "isGroup": group, "name": name}
        answer = await self.persist("POST", "/api/conversations", body)
        return str(answer["conversation"]["id"])

    async def persist(self, method: str, path: str, body: Json | None = None) -> Json:
        """Tries until it is answered. Raises Refused."""
        return await self._until_answered(lambda: self.call(method, path, body))

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One try. Raises FAILURES where another may succeed, Refused where none will."""
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
                raise Refused(f"{method} {path} answered {response.status}: {raw[:200].decode(errors='replace')}")
            answer: Json = msgspec.json.decode(raw)
            return answer

    async def _until_answered(self, call: Callable[[], Awaitable[Json]]) -> Json:
        failures = 0
        while True:
            try:
                return await call()
            except FAILURES:
                failures += 1
                await self._backoff.pause(failures)
