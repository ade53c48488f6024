"""What media asks of persistence, over its internal port."""

from collections.abc import Sequence
from typing import TypeVar

import aiohttp
import msgspec

from shared import media_api as api

TIMEOUT_SECONDS = 5.0
Answer = TypeVar("Answer")


class PersistenceAway(Exception):
    """Persistence did not answer. Nothing is lost: ask again after a pause."""


class PersistenceClient:
    """Every method raises PersistenceAway."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, service_token: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {service_token}", "Content-Type": "application/json"}

    async def access(self, asks: Sequence[api.Ask]) -> list[api.File | None]:
        return (await self._ask(api.ACCESS, api.AccessRequest(asks=list(asks)), api.AccessAnswer)).files

    async def look(self, request: api.UploadRequest) -> api.UploadAnswer:
        return await self._ask(api.LOOK, request, api.UploadAnswer)

    async def begin(self, request: api.UploadRequest) -> api.UploadAnswer:
        return await self._ask(api.BEGIN, request, api.UploadAnswer)

    async def drop(self, request: api.UploadRequest) -> api.UploadAnswer:
        return await self._ask(api.DROP, request, api.UploadAnswer)

    async def keep(self, attachment_id: str, writer: str) -> bool:
        return (await self._ask(api.KEEP, api.KeepRequest(attachment_id, writer), api.KeepAnswer)).kept

    async def end(self, attachment_id: str, writer: str, *, complete: bool) -> api.KeepAnswer:
        return await self._ask(api.END, api.KeepRequest(attachment_id, writer, complete), api.KeepAnswer)

    async def claim(self, writer: str, limit: int) -> list[api.Job]:
        return (await self._ask(api.CLAIM, api.ClaimRequest(writer, limit), api.ClaimAnswer)).jobs

    async def finished(self, told: api.FinishedRequest) -> bool:
        return (await self._ask(api.FINISHED, told, api.FinishedAnswer)).kept

    async def garbage(self, limit: int) -> api.GarbageAnswer:
        return await self._ask(api.GARBAGE, api.GarbageRequest(limit), api.GarbageAnswer)

    async def collected(self, blobs: list[str], parts: list[str]) -> None:
        await self._ask(api.COLLECTED, api.CollectedRequest(blobs=blobs, parts=parts), api.Done)

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
