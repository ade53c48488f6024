"""Media beside a persistence process, as `up` runs them; and a person who uploads by tus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from media.app import OUTAGES
from persistence.attachments.rules import FileRules
from services.listening import listening
from services.media import media
from services.serving import with_media
from shared.auth import TokenVerifier
from shared.http.app import public_app
from shared.http.gate import PublicGate
from shared.http.origins import Origins
from shared.http.strangers import Strangers
from shared.ids import new_id
from shared.lifecycle import Stop
from shared.settings import Settings
from tests.integration.rest.conftest import PLENTY, SECRET, SERVICE_TOKEN, Person, Rest, serving

Json = Any
TUS = {"Tus-Resumable": "1.0.0"}
KEY = "a link secret of the tests"


@dataclass
class Files:
    """The public address of media, and the persistence that it asks."""

    rest: Rest
    http: ClientSession
    url: str
    folder: Path

    async def ask(self, person: Person | None, method: str, path: str, **options: Any) -> ClientResponse:
        headers = dict(options.pop("headers", {}))
        if person is not None:
            headers["Authorization"] = f"Bearer {person.token}"
        return await self.http.request(method, path, headers=headers, allow_redirects=False, **options)

    async def patch(self, person: Person, name: str, offset: int, data: Any, **headers: str) -> ClientResponse:
        data = BytesIO(data) if isinstance(data, bytes) else data
        given = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", **headers}
        return await self.ask(person, "PATCH", f"/api/attachments/{name}/content", data=data, headers=given)

    async def offset(self, person: Person, name: str) -> tuple[int, int]:
        answer = await self.ask(person, "HEAD", f"/api/attachments/{name}/content", headers=TUS)
        return answer.status, int(answer.headers.get("Upload-Offset", -1))

    async def announce(self, person: Person, room: str | None, size: int, **fields: Any) -> str:
        about = {
            "conversationId": room,
            "name": "a.jpg",
            "contentType": "image/jpeg",
            "clientId": new_id(),
            "size": size,
        }
        answer = await person.post("/api/attachments", {**about, **fields}, 201)
        return str(answer["attachment"]["id"])

    async def settled(self, person: Person, name: str) -> Json:
        async with asyncio.timeout(30):
            while True:
                state = (await person.get(f"/api/attachments/{name}/state"))["attachment"]
                if state["state"] in ("ready", "rejected"):
                    return state
                await asyncio.sleep(0.02)

    async def upload(self, person: Person, room: str | None, data: bytes, **fields: Any) -> Json:
        """All at once; what became of it."""
        name = await self.announce(person, room, len(data), **fields)
        answer = await self.patch(person, name, 0, data)
        assert answer.status == 204, await answer.text()
        return await self.settled(person, name)

    async def get(self, person: Person | None, name: str, query: str = "", **headers: str) -> ClientResponse:
        return await self.ask(person, "GET", f"/api/attachments/{name}{query}", headers=headers)


@asynccontextmanager
async def filing(
    database_url: str, redis_url: str, folder: Path, rules: FileRules | None = None, **settings: Any
) -> AsyncIterator[Files]:
    rules = rules or FileRules(link_key=KEY.encode())
    async with serving(database_url, redis_url, file_rules=rules) as rest:
        chosen = Settings(
            persistence_url=str(rest.internal._base_url),
            service_token=SERVICE_TOKEN,
            media_dir=str(folder),
            media_link_secret=KEY,
            rate_limit_address=PLENTY,
            **settings,
        )
        strangers = Strangers(PLENTY, PLENTY)
        async with media(chosen, Stop(), TokenVerifier(secrets=[SECRET]), strangers) as made:
            endpoints = [made.health.endpoint(), *made.endpoints]
            gate = with_media(PublicGate(strangers), made)
            app = public_app("media", endpoints, gate, origins=Origins(["https://app.example"]), outages=OUTAGES)
            async with (
                listening(app, "127.0.0.1", 0) as port,
                ClientSession(f"http://127.0.0.1:{port}", timeout=ClientTimeout(total=30)) as http,
            ):
                yield Files(rest, http, f"http://127.0.0.1:{port}", folder)


@pytest.fixture
async def files(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Files]:
    async with filing(database_url, redis_url, tmp_path / "media") as served:
        yield served


async def two(files: Files) -> tuple[Person, Person, str]:
    ann, bob = files.rest.person("ann"), files.rest.person("bob")
    room = await ann.start(bob)
    await bob.get("/api/conversations")
    return ann, bob, room
