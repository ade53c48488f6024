"""Two of each service behind each load balancer that we describe."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.fleet import Fleet, fleet
from tests.system.load_balancer import balancer
from tests.system.load_balancer.balancer import LoadBalancer, Starter

LOOPBACK = "127.0.0.1/32"


@dataclass(frozen=True)
class Site:
    fleet: Fleet
    front: LoadBalancer


@pytest.fixture(params=[balancer.haproxy, balancer.nginx], ids=["haproxy", "nginx"])
def starter(request: pytest.FixtureRequest) -> Starter:
    chosen: Starter = request.param
    return chosen


@pytest.fixture
def settings() -> dict[str, str]:
    """A test module or class may ask for others."""
    return {}


@pytest.fixture
async def site(
    starter: Starter, settings: dict[str, str], database_url: str, redis_url: str, logs: Path, tmp_path: Path
) -> AsyncIterator[Site]:
    wanted = {"TRUSTED_PROXIES": LOOPBACK, **settings}
    async with fleet(logs, database_url, redis_url, gateways=2, persistences=2, pushers=0, **wanted) as running:
        gateways = [running.processes["gateway-1"], running.processes["gateway-2"]]
        persistences = [running.processes["persistence-1"], running.processes["persistence-2"]]
        async with balancer.running(starter, tmp_path / "balancer", gateways, persistences) as front:
            yield Site(running, front)
