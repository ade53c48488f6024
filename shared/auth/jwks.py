"""The issuer's public keys, fetched when needed and kept through its outages.

PyJWT's own client is synchronous, and holds a lock while it fetches. Supabase asks for at most 10 minutes of caching,
and publishes a new key 20 minutes before it signs with it.
"""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import jwt
import structlog
from prometheus_client import Counter, Gauge

from shared.auth.identity import Reason
from shared.auth.keyset import read_key_set
from shared.lifecycle import Tasks

FETCHES = Counter("parley_jwks_fetches_total", "Fetches of the issuer's key set.", ["outcome"])
_FETCHED, _FAILED = FETCHES.labels("fetched"), FETCHES.labels("failed")
FETCHED_AT = Gauge("parley_jwks_fetched_timestamp_seconds", "When the key set in use was fetched, in Unix seconds.")

FRESH_SECONDS = 300.0
USABLE_SECONDS = 3600.0
"""An outage of the issuer does not sign users out; but a key that it withdrew opens nothing after this."""
UNKNOWN_KEY_SECONDS = 30.0
"""Between two fetches that unknown key ids cause: strangers choose those, and must not make us flood the issuer."""
RETRY_SECONDS = 5.0
"""Between two fetches while the issuer fails."""
ANSWER_SECONDS = 5.0
LARGEST_BODY = 256 * 1024

log = structlog.get_logger()


class JwksCache:
    """Keys by id. Fresh for 5 minutes, then refreshed behind the back of who asks; usable for an hour.

    At most one fetch is under way, and everybody who needs it waits for that one.
    """

    def __init__(
        self, url: str, session: aiohttp.ClientSession, tasks: Tasks, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._session = session
        self._tasks = tasks
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._retry_at = float("-inf")
        self._unknown_at = float("-inf")
        self._failing = False
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> jwt.PyJWK | Reason:
        """The key, or why there is none: KEY_UNKNOWN (the issuer has no such key), KEYS_UNAVAILABLE (it does not say).

        Waits only where the answer needs a fetch, and then for at most `ANSWER_SECONDS`.
        """
        found = self._find(key_id)
        if isinstance(found, jwt.PyJWK):
            if self._age() >= FRESH_SECONDS:
                self._start_fetch()
            return found
        fetching = self._fetching_for_missing()
        if fetching is None:
            return found
        # Shielded: one caller who goes away must not end the fetch of all others.
        await asyncio.shield(fetching)
        return self._find(key_id)

    def _find(self, key_id: str) -> jwt.PyJWK | Reason:
        if self._age() >= USABLE_SECONDS:
            return Reason.KEYS_UNAVAILABLE
        missing = Reason.KEYS_UNAVAILABLE if self._failing else Reason.KEY_UNKNOWN
        return self._keys.get(key_id, missing)

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _fetching_for_missing(self) -> asyncio.Task[None] | None:
        """The fetch to wait for: the one under way, else a new one where it is time for one."""
        if self._fetching is not None or self._age() >= USABLE_SECONDS:
            return self._start_fetch()
        if self._clock() < self._unknown_at:
            return None
        self._unknown_at = self._clock() + UNKNOWN_KEY_SECONDS
        return self._start_fetch()

    def _start_fetch(self) -> asyncio.Task[None] | None:
        if self._fetching is None and self._clock() >= self._retry_at:
            self._fetching = self._tasks.call(self._fetch(), name="jwks")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._keys = read_key_set(await self._body())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _FAILED.inc()
            self._failing = True
            self._retry_at = self._clock() + RETRY_SECONDS
            log.warning("key set not fetched", error=type(error).__name__, reason=str(error))
        else:
            _FETCHED.inc()
            self._failing = False
            FETCHED_AT.set_to_current_time()
            self._fetched_at = self._clock()
        finally:
            self._fetching = None

    async def _body(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with self._session.get(self._url, timeout=timeout, max_redirects=3) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_chunked(LARGEST_BODY):
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise ValueError("too large")
            return bytes(body)
