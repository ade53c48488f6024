"""The limits of HTTP requests and upgrades: one of the address that they come from, one of the user who asks."""

from shared import keys
from shared.address import limit_key
from shared.limits.limiter import RateLimiter
from shared.limits.script import Check
from shared.limits.verdict import Limited
from shared.settings import Bucket


class RequestLimits:
    """Each call takes one token, and gives the seconds to wait where there was none, else 0."""

    def __init__(self, limiter: RateLimiter, address: Bucket, user: Bucket) -> None:
        self._limiter = limiter
        self._address = address
        self._user = user

    async def take_address(self, address: str) -> float:
        """An IPv6 address shares its bucket with its whole /64 network."""
        return await self._take((keys.address_limit(limit_key(address)), self._address))

    async def take_user(self, user_id: str) -> float:
        return await self._take((keys.user_limit(user_id), self._user))

    async def _take(self, check: Check) -> float:
        verdict = await self._limiter.take([check])
        return verdict.retry_after_seconds if isinstance(verdict, Limited) else 0.0
