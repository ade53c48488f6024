"""A scanner of the deployment's own, if there is one: it is given the bytes, and says whether they are clean."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

CHUNK = 256 * 1024
SCAN_SECONDS = 60.0


class ScannerAway(Exception):
    """The scanner gave no verdict. Ask again later."""


class _Verdict(msgspec.Struct):
    clean: bool


class Scanner:
    """Without an address everything is clean."""

    def __init__(self, session: aiohttp.ClientSession, url: str | None) -> None:
        self._session = session
        self._url = url

    async def is_clean(self, path: Path) -> bool:
        """Raises ScannerAway."""
        if self._url is None:
            return True
        timeout = aiohttp.ClientTimeout(total=SCAN_SECONDS)
        headers = {"Content-Type": "application/octet-stream"}
        try:
            async with self._session.post(self._url, data=_bytes(path), headers=headers, timeout=timeout) as response:
                body = await response.read()
                if response.status != 200:
                    raise ScannerAway(f"it answered {response.status}")
                return msgspec.json.decode(body, type=_Verdict).clean
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise ScannerAway(type(error).__name__) from error


async def _bytes(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            yield data
