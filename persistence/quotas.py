"""How much one user may begin: conversations, people of whom nobody knew, reports. What exists already is free."""

from typing import Protocol

from shared import keys
from shared.http.errors import limited
from shared.limits import Allowed, Check, Limited
from shared.setting_forms import Bucket


class Limiter(Protocol):
    async def take(self, checks: list[Check]) -> Allowed | Limited:
        """As shared.limits.RateLimiter."""


class Quotas:
    """Kept in Redis for the whole fleet, beside the other limits."""

    def __init__(self, limiter: Limiter, conversations: Bucket, people: Bucket, reports: Bucket) -> None:
        self._limiter = limiter
        self._conversations = conversations
        self._people = people
        self._reports = reports

    async def begin(self, user_id: str, *, strangers: int) -> None:
        """Counts a new conversation, and how many of its people were never seen. Raises ApiError 429."""
        checks = [Check(keys.conversations_limit(user_id), self._conversations)]
        if strangers:
            checks.append(Check(keys.people_limit(user_id), self._people, strangers))
        await self._take(checks)

    async def report(self, user_id: str) -> None:
        """Counts a report. Raises ApiError 429."""
        await self._take([Check(keys.reports_limit(user_id), self._reports)])

    async def _take(self, checks: list[Check]) -> None:
        verdict = await self._limiter.take(checks)  # in one round trip
        if isinstance(verdict, Limited):
            raise limited(verdict.retry_after_seconds)

    async def name(self, user_id: str, *, strangers: int) -> None:
        """Counts people named who were never seen. Raises ApiError 429."""
        if not strangers:
            return
        verdict = await self._limiter.take([Check(keys.people_limit(user_id), self._people, strangers)])
        if isinstance(verdict, Limited):
            raise limited(verdict.retry_after_seconds)
