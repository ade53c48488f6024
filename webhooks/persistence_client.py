"""What the service asks of persistence, over its internal port."""

from collections.abc import Sequence
from typing import TypeVar

import aiohttp
import msgspec

from shared import hooks_api

TIMEOUT_SECONDS = 10.0
Answer = TypeVar("Answer")


class PersistenceAway(Exception):
    """Persistence did not do it. Nothing is lost: ask again after a pause; a claim's lease ends by itself."""


class PersistenceClient:
    """Every method raises PersistenceAway."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, service_token: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {service_token}", "Content-Type": "application/json"}

    async def claim(self, lease_seconds: float) -> hooks_api.ClaimsAnswer:
        return await self._ask(hooks_api.CLAIMS, hooks_api.ClaimsRequest(lease_seconds), hooks_api.ClaimsAnswer)

    async def settle(self, outcomes: Sequence[hooks_api.Outcome]) -> None:
        await self._ask(hooks_api.OUTCOMES, hooks_api.OutcomesRequest(list(outcomes)), hooks_api.Done)

    async def _ask(self, path: str, request: msgspec.Struct, shape: type[Answer]) -> Answer:
        try:
            async with self._session.post(
                self._base_url + path,
                data=msgspec.json.encode(request),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as response:
                body = await response.read()
                if response.status != 200:
                    raise PersistenceAway(f"{path} answered {response.status}")
                return msgspec.json.decode(body, type=shape)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise PersistenceAway(f"{path}: {type(error).__name__}") from error
