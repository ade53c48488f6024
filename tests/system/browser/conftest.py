"""One `up` for the folder, a browser per test, and a conversation of its own for each test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright

from services.demo import BUILT
from services.demo_people import USERS
from services.embedded.ports import free_port
from tests.support.fleet import ServiceProcess
from tests.support.waiting import eventually
from tests.system.browser.phone import Phone

CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))

Talk = Callable[[str], Awaitable[tuple[Phone, Phone]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = "the demo is not built (npm run build in client/)" if not (BUILT / "index.html").exists() else None
    missing = missing or (None if CHROMIUM else "there is no Chromium (CHROMIUM names another one)")
    for item in items:
        if missing and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=missing))


def new_up(directory: Path) -> ServiceProcess:
    """`up` over servers and data of its own, not started."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PORT": str(free_port()), "INTERNAL_PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}
    arguments = ["up", "--port", environment["PORT"], "--data", str(directory / "data")]
    return ServiceProcess("up", arguments, environment, directory / "up.log")


async def started(process: ServiceProcess) -> None:
    """Its servers' first start makes a database: longer than a service takes, on a busy machine."""
    process.spawn()
    await process.ready(60)
    async with aiohttp.ClientSession() as session:
        await eventually(lambda: _serves(session, process.url))


async def _serves(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def _stopped(process: ServiceProcess) -> None:
    if process.runs:
        await process.stop()


@pytest.fixture(scope="package")
def shared_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    process = new_up(tmp_path_factory.mktemp("up"))
    asyncio.run(started(process))
    yield process
    asyncio.run(_stopped(process))


@pytest.fixture
async def own_up(tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    """For a test that kills it."""
    process = new_up(tmp_path)
    await started(process)
    yield process
    await _stopped(process)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page whose scripts must not fail."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(15_000)
    yield page
    assert errors == []


class Rest:
    """The demo's users over REST: what a test sets up, and the server's own truth."""

    def __init__(self, url: str, session: aiohttp.ClientSession, tokens: dict[str, str]) -> None:
        self._url, self._session, self._tokens = url, session, tokens

    @classmethod
    async def of(cls, url: str, session: aiohttp.ClientSession) -> "Rest":
        async with session.get(f"{url}/demo/config") as response:
            config = await response.json()
        return cls(url, session, {user["handle"]: user["token"] for user in config["users"]})

    async def call(self, handle: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[handle]}"}
        async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def conversation(self, name: str, *others: str) -> str:
        """Opened by ada with these others; its id."""
        body = {"participantIds": [USERS[other] for other in others], "isGroup": True, "name": name}
        return str((await self.call("ada", "POST", "/api/conversations", body))["conversation"]["id"])

    async def say(self, handle: str, conversation_id: str, text: str) -> None:
        await self.call(handle, "POST", f"/api/conversations/{conversation_id}/messages", {"text": text})

    async def texts(self, conversation_id: str) -> list[str]:
        path = f"/api/conversations/{conversation_id}/messages?limit=100"
        return [message["text"] for message in (await self.call("ada", "GET", path))["messages"]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def rest(shared_up: ServiceProcess, session: aiohttp.ClientSession) -> Rest:
    return await Rest.of(shared_up.url, session)
