"""Files through the processes as they are started: `up` alone, and media beside a fleet, which is killed on the way."""

import asyncio
import contextlib
import os
import signal
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from services.verify.files import Trial
from services.verify.rest import Backoff, Rest, Target
from shared.ids import new_id
from tests.support.files import picture
from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.support.person import Person
from tests.support.up import started_up

TUS = {"Tus-Resumable": "1.0.0"}
DATA = os.urandom(6_000_000)


async def announce(person: Person, room: str, size: int, **fields: Any) -> str:
    about = {"conversationId": room, "name": "a.bin", "contentType": "image/jpeg", "clientId": new_id(), "size": size}
    status, answer = await person.call("POST", "/api/attachments", {**about, **fields})
    assert status == 201, answer
    return str(answer["attachment"]["id"])


async def settled(person: Person, name: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            _, answer = await person.call("GET", f"/api/attachments/{name}/state")
            if answer["attachment"]["state"] in ("ready", "rejected"):
                return answer["attachment"]
            await asyncio.sleep(0.05)


class Uploader:
    """One file of one person, at one media process."""

    def __init__(self, http: aiohttp.ClientSession, person: Person, url: str, name: str) -> None:
        self._http, self._token, self._url = http, person.token, f"{url}/api/attachments/{name}"

    async def offset(self) -> int:
        async with self._http.head(f"{self._url}/content", headers=self._headers()) as answer:
            assert answer.status == 200
            return int(answer.headers["Upload-Offset"])

    async def patch(self, offset: int, data: Any) -> int:
        more = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        given = BytesIO(data) if isinstance(data, bytes) else data
        async with self._http.patch(f"{self._url}/content", data=given, headers=self._headers() | more) as answer:
            return answer.status

    async def download(self) -> tuple[int, bytes]:
        async with self._http.get(self._url, headers=self._headers()) as answer:
            return answer.status, await answer.read()

    def _headers(self) -> dict[str, str]:
        return {**TUS, "Authorization": f"Bearer {self._token}"}


async def test_up_takes_a_picture_sends_it_and_shows_it(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with started_up(tmp_path / "data", tmp_path / "log") as up:
        ada, bob = [Person(http, up.url, up.token(one, "x"), user_id=one) for one in (new_id(), new_id())]
        room = await ada.converse(bob)
        name = await announce(ada, room, len(picture()))
        async with ada.phone() as phone, bob.phone() as other:
            assert await Uploader(http, ada, up.url, name).patch(0, picture()) == 204
            ready = await phone.frame("attachment.ready")
            assert ready["attachment"]["id"] == name
            sent = await ada.send(room, "", attachments=[name])
            frame = await other.frame("message.new")
        assert frame["attachments"] == sent["attachments"]
        assert (frame["placeholder"], frame["mediaUrl"]) == (True, f"{up.url}/api/attachments/{name}")
        status, data = await Uploader(http, bob, up.url, name).download()
        assert (status, data[:3]) == (200, b"\xff\xd8\xff")
        trial = Trial(
            http, Rest(http, lambda: Target(up.url, up.url), lambda: ada.token, Backoff(1)), ada.token, seed=1
        )
        await trial.run(room)
        assert trial.violations == []
        async with http.get(f"{up.url}/openapi.json") as answer:
            assert "/api/attachments/{attachment}/content" in (await answer.json())["paths"]


async def half_way(media: ServiceProcess, uploader: Uploader) -> int:
    """Kills the process while bytes come; the offset that its next life tells."""

    async def slowly() -> Any:
        for start in range(1, 4_000_001, 100_000):
            yield DATA[start : start + 100_000]
            await asyncio.sleep(0.005)
        media.signal(signal.SIGKILL)
        yield DATA[4_000_001:]

    with contextlib.suppress(aiohttp.ClientError):
        await uploader.patch(1, slowly())
    await media.ended()
    await media.start()
    return await uploader.offset()


async def test_a_killed_media_loses_no_acknowledged_byte(
    database_url: str, redis_url: str, logs: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        media = await _started(running, tmp_path)
        ada, bob = [_person(running, http) for _ in range(2)]
        room = await ada.converse(bob)
        name = await announce(ada, room, len(DATA), kind="file")
        uploader = Uploader(http, ada, media.url, name)

        assert await uploader.patch(0, DATA[:1]) == 204
        await media.kill()
        await media.start()
        assert await uploader.offset() == 1
        reached = await half_way(media, Uploader(http, ada, media.url, name))
        assert reached > 2_000_000
        async with asyncio.timeout(20):
            while (status := await uploader.patch(reached, DATA[reached:])) != 204:
                assert status in (423, 409), status
                reached = await uploader.offset()
                await asyncio.sleep(0.2)
        assert (await settled(ada, name))["size"] == len(DATA)
        await ada.send(room, "", attachments=[name])
        assert await Uploader(http, bob, media.url, name).download() == (200, DATA)


async def test_with_storage_away_files_wait_and_text_goes_on(
    database_url: str, redis_url: str, logs: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        media = await _started(running, tmp_path)
        ada, bob = [_person(running, http) for _ in range(2)]
        room = await ada.converse(bob)
        name = await announce(ada, room, 10, kind="file")
        parts = tmp_path / "media" / "parts"
        parts.write_bytes(b"")  # a file where its folder has to be: nothing can be written

        more = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        headers = {**TUS, **more, "Authorization": f"Bearer {ada.token}"}
        async with http.patch(f"{media.url}/api/attachments/{name}/content", data=b"x" * 10, headers=headers) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (503, True)
        await ada.send(room, "text goes on")
        parts.unlink()
        async with asyncio.timeout(10):
            while await Uploader(http, ada, media.url, name).patch(0, b"x" * 10) != 204:
                await asyncio.sleep(0.2)


async def _started(running: Fleet, tmp_path: Path) -> ServiceProcess:
    persistence = running.processes["persistence-1"].internal_url
    media = running.add("media", "media-1", MEDIA_DIR=str(tmp_path / "media"), PERSISTENCE_URL=persistence)
    await media.start()
    return media


def _person(running: Fleet, http: aiohttp.ClientSession) -> Person:
    user_id = new_id()
    return Person(http, running.processes["persistence-1"].url, running.token(user_id, "x"), user_id=user_id)
