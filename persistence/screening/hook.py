"""The hook of the operator's own: asked once a message, within a budget; a dead one is not asked at all for a while."""

import asyncio
import time
from collections.abc import Mapping
from time import monotonic, perf_counter
from typing import Any, Literal, NamedTuple

import aiohttp
import msgspec
import structlog
from prometheus_client import Counter, Histogram

from persistence.screening.verdicts import Allowed, Answer, Held, Rejected, Rewritten
from shared import signing
from shared.clock import now_iso
from shared.ids import new_id
from shared.limits.breaker import Breaker

log = structlog.get_logger()

SECONDS = Histogram("parley_persistence_before_send_seconds", "Seconds that the hook before a send took.")
VERDICTS = Counter(
    "parley_persistence_before_send_total",
    "Messages of which the hook was asked, by verdict; skipped: a dead hook is not asked.",
    ["verdict"],
)
MOST_AT_ONCE = 200
"""Questions under way in a process; one more counts as a failure."""
FAILURES = 5
"""In a row, after which the hook counts as dead."""
MOST_BYTES = 64 * 1024
"""Of an answer: one of megabytes is a failure."""
MOST_REASON = 500


class Failed(NamedTuple):
    """Nothing is known of the message. `kind`: timeout, error or skipped."""

    kind: str


class _Told(msgspec.Struct):
    action: Literal["allow", "rewrite", "reject", "hold"]
    text: str | None = None
    reason: str | None = None


_decode = msgspec.json.Decoder(_Told).decode
_encode = msgspec.json.Encoder().encode


class BeforeSendHook:
    """`ask` never raises. One attempt; redirects, other statuses than 200 and answers of another shape are failures."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str | None, seconds: float) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._seconds = seconds
        self._breaker = Breaker()
        self._failures = 0
        self._under_way = 0

    async def ask(self, data: Mapping[str, Any]) -> Answer | Failed:
        now = monotonic()
        is_dead = self._breaker.is_open and not self._breaker.should_probe(now)
        if is_dead or self._under_way >= MOST_AT_ONCE:
            VERDICTS.labels("skipped").inc()
            return Failed("skipped")
        self._under_way += 1
        started = perf_counter()
        try:
            found = await self._within_budget(data)
        finally:
            self._under_way -= 1
            SECONDS.observe(perf_counter() - started)
        self._note(found)
        return found

    async def _within_budget(self, data: Mapping[str, Any]) -> Answer | Failed:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(data)
        except TimeoutError:
            return Failed("timeout")
        except (aiohttp.ClientError, OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the hook before a send failed", error=f"{type(error).__name__}: {error}"[:200])
            return Failed("error")

    async def _post(self, data: Mapping[str, Any]) -> Answer | Failed:
        body = _encode({"type": "message.before_send", "timestamp": now_iso(), "data": data})
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            headers |= signing.headers(new_id(), int(time.time()), body, self._secret)
        async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                return Failed("error")
            told = bytearray()
            async for chunk in response.content.iter_chunked(MOST_BYTES):
                told += chunk
                if len(told) > MOST_BYTES:
                    return Failed("error")
        return _answer(_decode(bytes(told)))

    def _note(self, found: Answer | Failed) -> None:
        if not isinstance(found, Failed):
            self._failures = 0
            self._breaker.close()
            VERDICTS.labels(_WORDS[type(found)]).inc()
            return
        VERDICTS.labels(found.kind).inc()
        self._failures += 1
        if self._failures >= FAILURES:
            self._breaker.open(monotonic())


_WORDS: Mapping[type[Answer], str] = {Allowed: "allow", Rewritten: "rewrite", Rejected: "reject", Held: "hold"}


def _answer(told: _Told) -> Answer | Failed:
    reason = (told.reason or "")[:MOST_REASON]
    if told.action == "rewrite":
        return Failed("error") if told.text is None else Rewritten(told.text)
    if told.action == "reject":
        return Rejected(reason or "this message is not allowed")
    return Held(reason or None) if told.action == "hold" else Allowed()
