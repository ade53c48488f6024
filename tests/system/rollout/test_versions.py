"""A rollout: the previous release's processes beside the new ones, over the same Postgres and Redis, then drained."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.fault_proxy import FaultProxy
from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.support.metrics import sample
from tests.system.rollout.over_redis import everything_works, spread
from tests.system.rollout.phones import SETTINGS, Phones, phones, talking
from tests.system.rollout.previous_release import previous_release
from tests.system.rollout.rolling import LEAD_SECONDS, of

PHONES = 40
PER_SECOND = 40.0


@dataclass
class Rollout:
    """A persistence process and two gateways of this release, one of each of the previous one. `service` is an address
    that leads to the old persistence, as a Kubernetes Service does, and that a gateway of this release asks."""

    fleet: Fleet
    old_gateway: ServiceProcess
    old_store: ServiceProcess
    service: FaultProxy


async def test_the_previous_release_and_this_one_serve_side_by_side_until_the_old_one_is_drained(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The migration comes first, as the runbook says: the old processes run over the new schema."""
    code = previous_release(tmp_path / "previous")
    async with contextlib.AsyncExitStack() as stack:
        made = await stack.enter_async_context(rollout(code, tmp_path, database_url, redis_url))
        crowd = await stack.enter_async_context(phones(made.fleet, spread(made.fleet), PHONES))
        async with talking(crowd, PER_SECOND):
            await asyncio.sleep(3 * LEAD_SECONDS)
            await everybody_takes_part(made.fleet)
            await drain_the_old(made)
            await asyncio.sleep(LEAD_SECONDS)
        found = await crowd.verdict()
        await everything_works(made.fleet, crowd)
        connected = stayed_connected(crowd)

    assert found == []
    assert crowd.traffic.server_errors == {}
    assert connected


@contextlib.asynccontextmanager
async def rollout(code: Path, directory: Path, database_url: str, redis_url: str) -> AsyncIterator[Rollout]:
    logs = directory / "logs"
    logs.mkdir()
    new = fleet(logs, database_url, redis_url, gateways=1, persistences=1, pushers=0, DRAIN_SECONDS="1", **SETTINGS)
    async with new as made:
        old_store = made.add("persistence", "persistence-old")
        async with FaultProxy("127.0.0.1", old_store.internal_port) as service:
            new_store = made.processes["persistence-1"].internal_url
            old_gateway = made.add("gateway", "gateway-old", PERSISTENCE_URL=new_store)
            asks_the_old = made.add("gateway", "gateway-2", PERSISTENCE_URL=f"http://127.0.0.1:{service.port}")
            old_store.source = old_gateway.source = code
            for process in (old_store, old_gateway, asks_the_old):
                await process.start()
            yield Rollout(made, old_gateway, old_store, service)


async def everybody_takes_part(fleet: Fleet) -> None:
    """Each persistence process took messages, each gateway forwarded some, and hardly one had to be fetched: what
    either release publishes is heard by both."""
    sent = {one.name: await sample(one, "parley_persistence_messages_total") for one in of(fleet, "persistence")}
    assert all(sent.values()), sent
    for process in of(fleet, "gateway"):
        assert await sample(process, "parley_gateway_frames_sent_total", type="durable") > 0, process.name
        assert await sample(process, "parley_gateway_gaps_total") < sum(sent.values()) / 25, process.name


async def drain_the_old(made: Rollout) -> None:
    for process in (made.old_gateway, made.old_store):
        assert await process.stop() == 0, process.log()[-2000:]
    made.service.lead_to("127.0.0.1", made.fleet.processes["persistence-1"].internal_port)


def stayed_connected(crowd: Phones) -> bool:
    return all(device.connected.is_set() for device in crowd.devices)
