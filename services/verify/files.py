"""A file, uploaded in two pieces, fetched, and taken back: does every byte come through, and does a range?"""

import asyncio
import hashlib

import aiohttp

from services.verify.rest import Json, Rest

SIZE = 300_000
READY_SECONDS = 60.0
_TUS = {"Tus-Resumable": "1.0.0"}
_NOT_SERVED = (404, 405)


class Trial:
    """One user's file in one conversation. `violations` is empty where all came through, and where no media runs."""

    def __init__(self, session: aiohttp.ClientSession, rest: Rest, token: str, seed: int) -> None:
        self._session = session
        self._rest = rest
        self._headers = {"Authorization": f"Bearer {token}"}
        self._name = hashlib.sha256(str(seed).encode()).hexdigest()
        self._data = (self._name.encode() * (SIZE // 64 + 1))[:SIZE]
        self.violations: list[str] = []

    async def run(self, conversation_id: str) -> None:
        """Raises FAILURES and Refused."""
        about = {"name": "verify.bin", "contentType": "application/octet-stream", "kind": "file", "size": SIZE}
        body = {"conversationId": conversation_id, "clientId": self._name[:40], **about}
        announced = await self._rest.persist("POST", "/api/attachments", body)
        url, name = announced["upload"]["url"], announced["attachment"]["id"]
        if not await self._upload(url):
            return
        try:
            state = await self._settled(name)
            if state["state"] != "ready":
                self.violations.append(f"a file was {state['state']}: {state['reason']}")
                return
            await self._fetch(url.removesuffix("/content"))
        finally:
            async with self._session.delete(url, headers=self._headers | _TUS):
                pass

    async def _upload(self, url: str) -> bool:
        """False where nobody serves files."""
        for start, end in ((0, SIZE // 2), (SIZE // 2, SIZE)):
            headers = {**self._headers, **_TUS, "Upload-Offset": str(start)}
            headers["Content-Type"] = "application/offset+octet-stream"
            async with self._session.patch(url, data=self._data[start:end], headers=headers) as answer:
                if answer.status in _NOT_SERVED and start == 0:
                    return False
                if (answer.status, answer.headers.get("Upload-Offset")) != (204, str(end)):
                    self.violations.append(f"a piece of a file was answered {answer.status}")
                    return False
        return True

    async def _settled(self, name: str) -> Json:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                state: Json = (await self._rest.persist("GET", f"/api/attachments/{name}/state"))["attachment"]
                if state["state"] in ("ready", "rejected"):
                    return state
                await asyncio.sleep(0.2)

    async def _fetch(self, url: str) -> None:
        for given, status, expected in ((None, 200, self._data), ("bytes=10-19", 206, self._data[10:20])):
            headers = self._headers | ({"Range": given} if given else {})
            async with self._session.get(url, headers=headers) as answer:
                if answer.status != status or await answer.read() != expected:
                    self.violations.append(f"a file came back as {answer.status} with other bytes ({given or 'all'})")
