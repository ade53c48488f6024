"""One request to an endpoint, and what came of it. An endpoint may be slow, cut, redirect, or send forever."""

import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp

from shared.clock import now_iso
from shared.hooks_api import Delivery, Endpoint
from shared.ids import id_text
from shared.outbound.guard import Outbound, Refused
from webhooks import signing
from webhooks.metrics import DELIVERIES, DELIVERY_SECONDS, REFUSED_ADDRESSES

SECONDS = 15.0
MOST_ANSWER_BYTES = 4096
USER_AGENT = "Parley-Webhooks/1"


class Attempt(NamedTuple):
    """`error` is None for a success. `retry_after` is what the endpoint wishes, in seconds."""

    status: int | None
    error: str | None
    ms: int
    retry_after: float | None = None
    answer: str = ""


async def send(outbound: Outbound, endpoint: Endpoint, deliveries: Sequence[Delivery]) -> Attempt:
    """Tells the endpoint of these, in one request. Never raises for what the endpoint does."""
    started = time.perf_counter()
    message_id, body = message(endpoint, deliveries)
    headers = signing.headers(message_id, int(time.time()), body, endpoint.secrets)
    headers |= {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    refused = outbound.guard.refused
    try:
        attempt = await _post(outbound, endpoint.url, body, headers)
    except TimeoutError:
        attempt = Attempt(None, "no answer in time", 0)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        attempt = Attempt(None, _words(error), 0)
    seconds = time.perf_counter() - started
    _count(attempt, len(deliveries), seconds, outbound.guard.refused - refused)
    return attempt._replace(ms=round(seconds * 1000))


async def _post(outbound: Outbound, url: str, body: bytes, headers: dict[str, str]) -> Attempt:
    """Raises what aiohttp does, and TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=5.0)
    request = outbound.session(url).post(url, data=body, headers=headers, allow_redirects=False, timeout=timeout)
    async with request as response:
        answer = await _beginning(response)
        if 200 <= response.status < 300:
            return Attempt(response.status, None, 0, answer=answer)
        words = "a redirect is not followed" if 300 <= response.status < 400 else f"answered {response.status}"
        return Attempt(response.status, words, 0, _retry_after(response), answer)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """Of the answer's body; an answer that goes on is cut off, and its connection closed."""
    beginning = b""
    while len(beginning) < MOST_ANSWER_BYTES:
        part = await response.content.read(MOST_ANSWER_BYTES - len(beginning))
        if not part:
            return beginning.decode(errors="replace").replace("\0", "�")
        beginning += part
    response.close()
    return beginning.decode(errors="replace").replace("\0", "�")


def message(endpoint: Endpoint, deliveries: Sequence[Delivery]) -> tuple[str, bytes]:
    """The id and the body: of one event, or of a batch, whose id is made of its events'."""
    if endpoint.batch == 1:
        return deliveries[0].event_id, bytes(deliveries[0].payload)
    parts = [b'{"id":"%b",%b' % (one.event_id.encode(), bytes(one.payload)[1:]) for one in deliveries]
    body = b'{"type":"batch","timestamp":"%b","data":{"events":[%b]}}' % (now_iso().encode(), b",".join(parts))
    digest = hashlib.sha256("".join([one.event_id for one in deliveries]).encode()).digest()
    return id_text(digest[:16]), body


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    raw = response.headers.get("Retry-After", "")
    return float(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 9 else None


def _words(error: Exception) -> str:
    """For whoever reads the log of deliveries; of our own network nothing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Refused):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    os_error = getattr(error, "os_error", None)
    if isinstance(os_error, Refused):
        return str(os_error)
    return f"not reached: {type(error).__name__}"


def _count(attempt: Attempt, events: int, seconds: float, refused: int) -> None:
    DELIVERY_SECONDS.observe(seconds)
    outcome = "delivered" if attempt.error is None else "failed" if attempt.status is not None else "away"
    if refused and attempt.status is None:
        REFUSED_ADDRESSES.inc(refused)
        outcome = "refused"
    DELIVERIES.labels(outcome).inc(events)
