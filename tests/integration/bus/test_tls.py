"""The link over TLS: rediss://."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.bus.listening import listening
from tests.support.certificates import self_signed
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path)


@pytest.fixture
async def tls_url(redis_url: str, certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    parts = urlsplit(redis_url)
    async with FaultProxy("127.0.0.1", parts.port or 0, tls=context) as proxy:
        yield f"rediss://:{parts.password}@localhost:{proxy.port}"


async def test_messages_arrive_over_tls(redis_url: str, tls_url: str, certificate: tuple[Path, Path]) -> None:
    async with listening(f"{tls_url}?ssl_ca_certs={certificate[0]}", publish_url=redis_url) as here:
        await here.bus.subscribe(["room"])
        await here.publish("room", "x" * 100_000)
        await eventually(here.hears("room", "x" * 100_000))
        await eventually(lambda: here.bus.proven)


async def test_a_certificate_of_a_stranger_is_refused(redis_url: str, tls_url: str) -> None:
    async with listening(tls_url, publish_url=redis_url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
        assert not here.bus.proven
        waiting.cancel()


async def test_whoever_asks_for_it_goes_without_verification(redis_url: str, tls_url: str) -> None:
    async with listening(f"{tls_url}?ssl_cert_reqs=none", publish_url=redis_url) as here:
        await here.bus.subscribe(["room"])
