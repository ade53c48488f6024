"""What a pusher asks of persistence, over its internal port."""

from collections.abc import Sequence
from typing import TypeVar

import aiohttp
import msgspec

from shared import api, push_api
from shared import push_upkeep_api as upkeep
from shared.streams import Deadline

TIMEOUT_SECONDS = 10.0
_BEYOND = {400, 413, 500}
"""Of these the request itself may be the cause. 401 and 404, say, pass when a rollout or a new token is everywhere."""
Answer = TypeVar("Answer")


class PersistenceAway(Exception):
    """Persistence did not answer. Nothing is lost: ask again after a pause."""


class PersistenceRefused(Exception):
    """Persistence answered, but will not do this: something of what it was asked is beyond it. Asking again is vain."""


class PersistenceClient:
    """Every method raises PersistenceAway where it cannot be asked, PersistenceRefused where it will not do it."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, service_token: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {service_token}", "Content-Type": "application/json"}

    async def epoch(self) -> str:
        """The database's line of history."""
        return (await self._ask(api.HEADS, api.HeadsRequest(), api.HeadsAnswer)).epoch

    async def laggards(self, deadlines: Sequence[Deadline]) -> list[list[str]]:
        request = push_api.LaggardsRequest(deadlines=list(deadlines))
        return (await self._ask(push_api.LAGGARDS, request, push_api.LaggardsAnswer)).laggards

    async def targets(self, addressees: Sequence[push_api.Addressee]) -> list[push_api.Target]:
        request = push_api.TargetsRequest(addressees=list(addressees))
        return (await self._ask(push_api.TARGETS, request, push_api.TargetsAnswer)).targets

    async def claim(self, claims: Sequence[push_api.Claim], lease_seconds: float) -> list[str]:
        request = push_api.ClaimsRequest(claims=list(claims), lease_seconds=lease_seconds)
        return (await self._ask(push_api.CLAIMS, request, push_api.ClaimsAnswer)).verdicts

    async def settle(self, outcomes: Sequence[push_api.Outcome], decisions: Sequence[push_api.Decision]) -> None:
        request = push_api.OutcomesRequest(outcomes=list(outcomes), decisions=list(decisions))
        await self._ask(push_api.OUTCOMES, request, push_api.Done)

    async def due_receipts(self, limit: int, lease_seconds: float) -> list[push_api.DueReceipt]:
        request = push_api.DueReceiptsRequest(limit=limit, lease_seconds=lease_seconds)
        return (await self._ask(push_api.DUE_RECEIPTS, request, push_api.DueReceiptsAnswer)).receipts

    async def settle_receipts(self, outcomes: Sequence[push_api.ReceiptOutcome]) -> None:
        request = push_api.ReceiptOutcomesRequest(outcomes=list(outcomes))
        await self._ask(push_api.RECEIPT_OUTCOMES, request, push_api.Done)

    async def stale_badges(self, limit: int) -> list[upkeep.Badge]:
        request = upkeep.StaleBadgesRequest(limit=limit)
        return (await self._ask(upkeep.STALE_BADGES, request, upkeep.StaleBadgesAnswer)).badges

    async def withdrawals(self, limit: int) -> list[upkeep.Withdrawal]:
        request = upkeep.WithdrawalsRequest(limit=limit)
        return (await self._ask(upkeep.WITHDRAWALS, request, upkeep.WithdrawalsAnswer)).withdrawals

    async def arrivals(self, limit: int) -> upkeep.ArrivalsAnswer:
        return await self._ask(upkeep.ARRIVALS, upkeep.ArrivalsRequest(limit=limit), upkeep.ArrivalsAnswer)

    async def _ask(self, path: str, request: msgspec.Struct, shape: type[Answer]) -> Answer:
        try:
            async with self._session.post(
                self._base_url + path,
                data=msgspec.json.encode(request),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as response:
                body = await response.read()
                if response.status in _BEYOND:
                    raise PersistenceRefused(f"{path} answered {response.status}")
                if response.status != 200:
                    raise PersistenceAway(f"{path} answered {response.status}")
                return msgspec.json.decode(body, type=shape)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise PersistenceAway(f"{path}: {type(error).__name__}") from error
