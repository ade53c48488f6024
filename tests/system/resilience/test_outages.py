"""A gateway, Redis or Postgres goes under a crowd; `make outages` does the same at full length."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.fleet import ServiceProcess
from tests.support.waiting import eventually
from tests.system.resilience.crowd import Answers, crowd
from tests.system.resilience.deployment import Deployment, deployment
from tests.system.resilience.readers import group, resident_bytes, slow_consumers
from tests.system.resilience.restoring import messages, restore
from tests.system.resilience.scenarios import gateway_dies, postgres_goes, redis_freezes

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = 50
READERS = 200
MIB = 1024 * 1024


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    directory: Path = tmp_path_factory.mktemp("outages")
    async with deployment(directory) as running:
        yield running


async def test_the_thousand_clients_of_a_dead_gateway_are_up_to_date_on_the_other_one(made: Deployment) -> None:
    async with crowd(made, 1000, gateways=[0]) as everybody:
        died = await gateway_dies(made, everybody, victim=0)
    await made.gateways[0].start()
    print(died)

    assert len(died.seconds) == 1000
    assert set(died.answers.statuses) == {201}
    assert died.violations == []


async def test_a_frozen_redis_makes_gateways_unready_while_sends_go_on_and_arrive_after_it(made: Deployment) -> None:
    async with crowd(made, CROWD) as everybody:
        outage = await redis_freezes(made, everybody, seconds=5.0)
    print(outage)

    assert set(outage.answers.statuses) == {201}
    assert outage.reconnects == 0
    assert outage.violations == []


@pytest.mark.parametrize("frozen", [False, True], ids=["killed", "frozen"])
async def test_without_postgres_sends_are_refused_with_retry_after_while_sockets_stay(
    made: Deployment, frozen: bool
) -> None:
    async with crowd(made, CROWD) as everybody:
        outage = await postgres_goes(made, everybody, seconds=3.0, frozen=frozen)
    print(outage)

    assert set(outage.answers.statuses) <= {201, 503}
    assert outage.answers.statuses[503] or frozen  # a short freeze may end before a statement gives up
    assert outage.answers.speechless == 0
    assert outage.reconnects == 0
    assert outage.violations == []


async def test_a_restore_under_connected_clients_leaves_them_with_what_the_database_holds(made: Deployment) -> None:
    async with crowd(made, 20) as everybody:
        answers = Answers()
        for _ in range(40):
            await everybody.send(everybody.draft(), answers)
        await everybody.settle()
        stored = await restore(made.postgres.url)
        await eventually(
            lambda: all(one.history.held.get(place, {}) == stored[place] for one, place in everybody.places())
        )
        for _ in range(20):
            await everybody.send(everybody.draft(), answers)
        stored = await messages(made.postgres.url)
        await eventually(
            lambda: all(one.history.held.get(place, {}) == stored[place] for one, place in everybody.places())
        )

    assert set(answers.statuses) == {201}


async def test_a_tenth_that_stops_reading_is_cut_off_in_flat_memory_and_the_others_miss_nothing(
    made: Deployment,
) -> None:
    gateway = made.gateways[0]
    async with group(made.fleet, made.stores[0], gateway, READERS + 1) as big:
        stopped, others = big.readers[::10], [one for number, one in enumerate(big.readers) if number % 10]
        await big.say(100, big.readers)
        cut_off_before, resident = await slow_consumers(gateway), resident_bytes(gateway)
        for reader in stopped:
            reader.stop()
        growth = []
        for _ in range(2):
            await big.say(100, others)
            growth.append(resident_bytes(gateway) - resident)
        await eventually(lambda: all_are_cut_off(gateway, cut_off_before + len(stopped)))
        for reader in stopped:
            reader.go_on()
        await eventually(lambda: all(reader.close_code is not None for reader in stopped))
    print(f"{len(stopped)} of {READERS} stopped reading: resident memory {[round(one / MIB, 1) for one in growth]} MiB")

    assert all(reader.is_whole for reader in others)
    assert {reader.close_code for reader in stopped} <= {1013, 1006}, "1006: what waited was dropped before it was read"
    # Twice 700 KB were sent to each of them; an outbox is 256 KiB.
    assert max(growth) < len(stopped) * 512 * 1024


async def all_are_cut_off(gateway: ServiceProcess, count: int) -> bool:
    return await slow_consumers(gateway) == count
