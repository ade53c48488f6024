"""Expo's limit for a project, 600 notifications a second, shared by all pushers through a token bucket in Redis."""

import asyncio

from shared.limits import Limited, RateLimiter
from shared.settings import Bucket

KEY = "parley:limit:expo"
CALLS = Bucket(rate=5.5, burst=1)
"""A token is a call of at most 100 notifications: 550 a second, so that no second of Expo's has more than 600.

docs.expo.dev, "Notifications limits": 600 a second a project. No burst: two calls at once at the seam of two seconds
would be one too many. Under a light load calls are small and there is always a token; under a heavy one entries gather
while a call waits, and calls fill up by themselves.
"""


class ExpoPace:
    """While Redis is away each pusher counts for itself; Expo's own 429 then keeps the limit."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def wait_for_call(self) -> None:
        """Returns when one more call may go out."""
        while True:
            verdict = await self._limiter.take([(KEY, CALLS)])
            if not isinstance(verdict, Limited):
                return
            await asyncio.sleep(verdict.retry_after_seconds)
