"""`python -m services stats`: the fleet at a glance, as its processes say in Redis."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import fleet
from tests.support.person import Person
from tests.support.waiting import eventually
from tests.system.operators.command import command, settings_of
from tests.system.operators.seen import FAST, line, person, seen


async def test_stats_shows_every_process_its_numbers_and_its_end(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, pushers=1, LEASE_SECONDS=FAST) as running:
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob)
        gateway, other, store = (running.processes[name] for name in ("gateway-1", "gateway-2", "persistence-1"))

        async with bob.phone(), ada.phone():
            talking = asyncio.create_task(_talk(ada, room))

            async def is_told() -> bool:
                assert not talking.done()
                processes = await seen(running)
                told, silent, storing = (line(processes, one) for one in (gateway, other, store))
                return bool(
                    told
                    and silent
                    and storing
                    and (told.numbers["connections"], told.numbers["rooms"], told.numbers["users"]) == (2, 1, 2)
                    and told.numbers["deliveries_per_second"] > storing.numbers["messages_per_second"] > 0
                    and silent.numbers["connections"] == 0
                )

            await eventually(is_told)
            talking.cancel()

        listed = await command("stats", "--json", **settings_of(running, "REDIS_URL"))
        assert listed.code == 0, listed.error
        processes = listed.json["processes"]
        assert [one["service"] for one in processes] == ["gateway", "gateway", "persistence", "pusher"]
        assert all(one["numbers"]["loop_lag_seconds"] >= 0 and one["away"] == [] for one in processes)
        assert {gateway.internal_url, other.internal_url} == {one["address"] for one in processes[:2]}

        table = await command("stats", **settings_of(running, "REDIS_URL"))
        assert table.code == 0
        for heading in ("GATEWAY", "PERSISTENCE", "PUSHER", "SOCKETS", "OUTBOX", "STREAM", "LOOP LAG", "2 processes"):
            assert heading in table.out

        await other.stop()
        assert line(await seen(running), other) is None, "who stopped is gone at once"
        await gateway.kill()

        async def is_gone() -> bool:
            return line(await seen(running), gateway) is None

        await eventually(is_gone)


async def _talk(sender: Person, room: str) -> None:
    while True:
        await sender.send(room, "Hello")
        await asyncio.sleep(0.05)  # well within what one user may send


async def test_where_nothing_runs_stats_says_so_with_exit_code_1(redis_url: str) -> None:
    outcome = await command("stats", REDIS_URL=redis_url)
    assert outcome.code == 1
    assert outcome.out.splitlines() == ["NO GATEWAY RUNS", "NO PERSISTENCE PROCESS RUNS", "NO PUSHER RUNS"]


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["stats"], {}, "REDIS_URL"),
        (["stats"], {"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL"),
        (["stats", "--watch", "--interval", "0"], {"REDIS_URL": "redis://127.0.0.1:1"}, "--interval"),
        (["drain"], {"REDIS_URL": "redis://127.0.0.1:1"}, "GATEWAY"),
        (["drain", "x", "--all"], {"REDIS_URL": "redis://127.0.0.1:1"}, "--all"),
        (["drain", "--all", "--no-wait"], {"REDIS_URL": "redis://127.0.0.1:1"}, "--no-wait"),
        (["drain", "--all", "--timeout", "-1"], {"REDIS_URL": "redis://127.0.0.1:1"}, "--timeout"),
    ],
)
async def test_a_mistake_is_one_line_that_names_it_and_exit_code_2(
    arguments: list[str], settings: dict[str, str], named: str, tmp_path: Path
) -> None:
    outcome = await command(*arguments, DATA_DIR=str(tmp_path), **settings)
    [line] = outcome.error.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert line.startswith("parley: ")
    assert named in line


async def test_stats_names_first_that_no_gateway_runs_and_says_no(
    database_url: str, redis_url: str, logs: Path
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=0, LEASE_SECONDS=FAST) as running:
        table = await command("stats", **settings_of(running, "REDIS_URL"))
        listed = await command("stats", "--json", **settings_of(running, "REDIS_URL"))

    assert (table.code, listed.code) == (1, 1)
    assert table.out.splitlines()[0] == "NO GATEWAY RUNS"
    assert listed.json["lacks"] == ["NO GATEWAY RUNS", "NO PUSHER RUNS"]
