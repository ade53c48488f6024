"""Sockets behind a load balancer: spread, brought back, moved."""

import signal

import pytest

from tests.support.fleet import ServiceProcess
from tests.support.waiting import eventually
from tests.system.load_balancer.conftest import Site
from tests.system.load_balancer.crowd import crowd, sockets_of

PHONES = 100
DRAIN_SECONDS = 3


async def test_a_hundred_sockets_are_spread_and_come_back_when_a_gateway_dies(site: Site) -> None:
    first, second = site.fleet.processes["gateway-1"], site.fleet.processes["gateway-2"]

    async with crowd(site.fleet, site.front.url, PHONES) as phones:
        await eventually(lambda: phones.connected == PHONES, 30)
        assert 40 <= await sockets_of(first) <= 60
        assert await sockets_of(first) + await sockets_of(second) == PHONES

        await first.kill()
        await eventually(lambda: holds(second, PHONES), 30)

        await first.start()
        await second.kill()
        await eventually(lambda: holds(first, PHONES), 30)
        await eventually(lambda: phones.connected == PHONES, 10)


async def holds(gateway: ServiceProcess, count: int) -> bool:
    return await sockets_of(gateway) == count


class TestDraining:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"DRAIN_SECONDS": str(DRAIN_SECONDS)}

    async def test_a_gateway_that_drains_hands_its_phones_over_without_refusing_one(self, site: Site) -> None:
        first, second = site.fleet.processes["gateway-1"], site.fleet.processes["gateway-2"]

        async with crowd(site.fleet, site.front.url, PHONES) as phones:
            await eventually(lambda: phones.connected == PHONES, 30)
            had = await sockets_of(first)

            first.signal(signal.SIGTERM)
            await first.ended(30)
            await eventually(lambda: holds(second, PHONES), 30)

            assert phones.hints == had
            assert phones.refusals == []
