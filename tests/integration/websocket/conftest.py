"""Every test here runs on asyncio's loop and on uvloop, and fails if the loop was told of an error."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from tests.integration.websocket.site import Site, serving
from tests.support.certificates import self_signed


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def no_loop_errors() -> AsyncIterator[None]:
    errors = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    yield
    assert errors == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with serving(site):
        yield site


@pytest.fixture
async def tls_site(certificate: tuple[Path, Path]) -> AsyncIterator[Site]:
    certificate_file, key_file = certificate
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate_file, key_file)
    site = Site(tls=ssl.create_default_context(cafile=str(certificate_file)))
    async with serving(site, server_tls=server_tls):
        yield site


@pytest.fixture(params=["plain", "tls"])
def any_site(request: pytest.FixtureRequest) -> Site:
    site: Site = request.getfixturevalue("site" if request.param == "plain" else "tls_site")
    return site
