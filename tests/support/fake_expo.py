"""Expo's push API as its documentation and SDKs describe it, on loopback, with every fault it is known for.

Run it in a test (`async with fake_expo() as expo`), or as a process of its own for the fault laboratory
(`python -m tests.support.fake_expo --port P`), where `GET /log` and `POST /faults` are its remote control.

Limits and errors: docs.expo.dev, "Send notifications with the Expo Push Service".
"""

import argparse
import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from tests.support.rate_window import RateWindow
from tests.support.waiting import PATIENCE

SEND = "/--/api/v2/push/send"
RECEIPTS = "/--/api/v2/push/getReceipts"
MAX_NOTIFICATIONS = 100
MAX_RECEIPTS = 1000
MAX_PAYLOAD_BYTES = 4096
RATE_PER_SECOND = 600

Json = dict[str, Any]


class Faults(msgspec.Struct):
    """How often (0 to 1) a call fails in each way, and which tokens are bad. All off at first."""

    too_many_requests: float = 0.0
    error_before: float = 0.0
    """503 and nothing was accepted."""
    error_after: float = 0.0
    """502 with an HTML body although everything was accepted: Expo's known ambiguity."""
    hang_after: float = 0.0
    """Accepted, but the answer never comes."""
    hang_seconds: float = 60.0
    delay_seconds: float = 0.0
    unregistered: list[str] = []
    """`DeviceNotRegistered` in the ticket."""
    unregistered_later: list[str] = []
    """`DeviceNotRegistered` in the receipt."""
    ticket_errors: dict[str, str] = {}
    """token -> error code in its ticket: MessageRateExceeded, InvalidCredentials, MismatchSenderId, …"""
    receipt_errors: dict[str, str] = {}
    experiences: dict[str, str] = {}
    """token -> the project it belongs to; two projects in a request fail it."""
    forbidden: list[str] = []
    """Projects that the caller's credentials are not for."""
    malformed: list[str] = []
    """Tokens whose message fails its whole request."""
    access_token: str | None = None
    no_receipts: bool = False
    enforce_rate: bool = True


@dataclass
class Accepted:
    """A notification that Expo took: it will reach the device.

    `ambiguous`: the caller was not told so, by a fault or because it did not wait for the answer. `caller` is the path
    under which it knows us, to tell one pusher from another.
    """

    token: str
    message: Json
    at: float
    ticket: str
    ambiguous: bool
    caller: str = ""


@dataclass
class FakeExpo:
    """The server's state. `accepted` is what devices saw; `calls` counts requests by how they ended."""

    faults: Faults = field(default_factory=Faults)
    seed: int = 1
    accepted: list[Accepted] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._tickets: dict[str, str] = {}
        self.window = RateWindow(RATE_PER_SECOND)
        self._arrival = asyncio.Condition()

    def of(self, token: str) -> list[Json]:
        """The messages that this device was sent, in order."""
        return [one.message for one in self.accepted if one.token == token]

    async def wait_for(self, count: int, seconds: float = 10.0) -> list[Accepted]:
        """All accepted notifications, as soon as there are `count`. Raises TimeoutError, as late as `eventually`."""
        async with asyncio.timeout(seconds * PATIENCE), self._arrival:
            await self._arrival.wait_for(lambda: len(self.accepted) >= count)
        return self.accepted

    async def send(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        messages: list[Json] = body if isinstance(body, list) else [body]
        self.calls["arrived"] += 1
        in_time = self.window.allows(len(messages)) or not self.faults.enforce_rate
        await asyncio.sleep(self.faults.delay_seconds)
        refusal = self._refusal(request, messages)
        if refusal is not None:
            return refusal
        if not in_time:
            return self._failure(429, "TOO_MANY_REQUESTS", "over_rate")
        return await self._answer(request, messages)

    def _refusal(self, request: web.Request, messages: list[Json]) -> web.Response | None:
        """The error of the whole request, with nothing accepted; None where it is taken."""
        faults = self.faults
        if faults.access_token and request.headers.get("Authorization") != f"Bearer {faults.access_token}":
            return self._failure(401, "UNAUTHORIZED", "unauthorized")
        if len(messages) > MAX_NOTIFICATIONS:
            return self._failure(400, "PUSH_TOO_MANY_NOTIFICATIONS", "too_many")
        projects = self._projects(messages)
        if len(projects) > 1:
            return self._failure(400, "PUSH_TOO_MANY_EXPERIENCE_IDS", "experiences", details=projects)
        if any(project in faults.forbidden for project in projects):
            return self._failure(403, "UNAUTHORIZED", "forbidden")
        if any(message.get("to") in faults.malformed for message in messages):
            return self._failure(400, "VALIDATION_ERROR", "malformed")
        if self._random.random() < faults.too_many_requests:
            return self._failure(429, "TOO_MANY_REQUESTS", "rate")
        if self._random.random() < faults.error_before:
            self.calls["error_before"] += 1
            return web.Response(status=503, text="<html>503</html>", content_type="text/html")
        return None

    async def _answer(self, request: web.Request, messages: list[Json]) -> web.StreamResponse:
        faults = self.faults
        breaks, hangs = self._random.random() < faults.error_after, self._random.random() < faults.hang_after
        unheard = request.transport is None or request.transport.is_closing()
        caller, ambiguous = request.match_info.get("caller", ""), breaks or hangs or unheard
        tickets = [self._ticket(message, caller, ambiguous=ambiguous) for message in messages]
        async with self._arrival:
            self._arrival.notify_all()
        if hangs:
            self.calls["hang_after"] += 1
            await asyncio.sleep(faults.hang_seconds)
        if breaks:
            self.calls["error_after"] += 1
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        self.calls["ok"] += 1
        return web.json_response({"data": tickets})

    def _projects(self, messages: list[Json]) -> dict[str, list[str]]:
        projects: dict[str, list[str]] = {}
        for message in messages:
            token = str(message.get("to"))
            projects.setdefault(self.faults.experiences.get(token, "@parley/app"), []).append(token)
        return projects

    def _ticket(self, message: Json, caller: str, *, ambiguous: bool) -> Json:
        token = str(message.get("to"))
        error = self._ticket_error(token, message)
        if error is not None:
            details = {"error": error, "expoPushToken": token}
            return {"status": "error", "message": f"{error} for a recipient", "details": details}
        ticket = str(uuid.uuid4())
        self.accepted.append(Accepted(token, message, time.time(), ticket, ambiguous, caller))
        self._tickets[ticket] = token
        return {"status": "ok", "id": ticket}

    def _ticket_error(self, token: str, message: Json) -> str | None:
        if token in self.faults.unregistered:
            return "DeviceNotRegistered"
        if len(msgspec.json.encode(message)) > MAX_PAYLOAD_BYTES:
            return "MessageTooBig"
        return self.faults.ticket_errors.get(token)

    def _receipt(self, token: str) -> Json:
        later = "DeviceNotRegistered" if token in self.faults.unregistered_later else None
        error = later or self.faults.receipt_errors.get(token)
        if error is None:
            return {"status": "ok"}
        return {"status": "error", "message": error, "details": {"error": error, "expoPushToken": token}}

    async def receipts(self, request: web.Request) -> web.Response:
        ids = (await request.json())["ids"]
        if len(ids) > MAX_RECEIPTS:
            return self._failure(400, "PUSH_TOO_MANY_RECEIPTS", "too_many_receipts")
        known = (
            {}
            if self.faults.no_receipts
            else {one: self._receipt(self._tickets[one]) for one in ids if one in self._tickets}
        )
        self.calls["receipts"] += 1
        return web.json_response({"data": known})

    async def log(self, _: web.Request) -> web.Response:
        accepted = [
            {"token": a.token, "message": a.message, "at": a.at, "ambiguous": a.ambiguous} for a in self.accepted
        ]
        return web.json_response({"accepted": accepted, "calls": self.calls})

    async def set_faults(self, request: web.Request) -> web.Response:
        self.faults = msgspec.json.decode(await request.read(), type=Faults)
        return web.json_response({})

    def _failure(self, status: int, code: str, counted: str, details: object = None) -> web.Response:
        self.calls[counted] += 1
        headers = {"Retry-After": "1"} if status == 429 else {}
        return web.json_response(
            {"errors": [{"code": code, "message": code, "details": details}]}, status=status, headers=headers
        )


def app_of(expo: FakeExpo) -> web.Application:
    app = web.Application(client_max_size=4 * 1024 * 1024)
    for base in ("", "/{caller}"):
        app.router.add_post(base + SEND, expo.send)
        app.router.add_post(base + RECEIPTS, expo.receipts)
    app.router.add_get("/log", expo.log)
    app.router.add_post("/faults", expo.set_faults)
    return app


@contextlib.asynccontextmanager
async def fake_expo(faults: Faults | None = None, *, seed: int = 1, port: int = 0) -> AsyncIterator[FakeExpo]:
    """A running fake; its `url` is what EXPO_PUSH_URL takes."""
    expo = FakeExpo(faults or Faults(), seed)
    runner = web.AppRunner(app_of(expo), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    expo.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    watch = asyncio.create_task(expo.window.watch())
    try:
        yield expo
    finally:
        watch.cancel()
        await runner.cleanup()


async def _serve(port: int, seed: int) -> None:
    async with fake_expo(seed=seed, port=port) as expo:
        print(f"ready {expo.url}", flush=True)  # noqa: T201 - its parent waits for this line
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    asyncio.run(_serve(chosen.port, chosen.seed))
