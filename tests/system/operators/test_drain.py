"""`python -m services drain`: a gateway stops as SIGTERM would stop it, and the operators see it."""

import asyncio
from pathlib import Path

import aiohttp

from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.support.waiting import eventually
from tests.system.operators.command import command, settings_of
from tests.system.operators.seen import FAST, line, person, seen


async def name_of(running: Fleet, gateway: ServiceProcess) -> str:
    found = line(await seen(running), gateway)
    assert found is not None
    return found.name


async def test_a_drained_gateway_hints_closes_with_1012_and_ends_with_0_and_is_seen_draining(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, LEASE_SECONDS=FAST) as running:
        gateway, other = running.processes["gateway-1"], running.processes["gateway-2"]
        gateway.environment["DRAIN_SECONDS"] = "15"
        await gateway.stop()
        await gateway.start()
        async with person(running, http, "ada").phone() as phone:

            async def holds_the_phone() -> bool:
                found = line(await seen(running), gateway)
                return found is not None and found.numbers.get("connections") == 1

            await eventually(holds_the_phone)
            draining = asyncio.create_task(
                command("drain", await name_of(running, gateway), **settings_of(running, "REDIS_URL"))
            )

            async def is_seen() -> bool:
                found = line(await seen(running), gateway)
                return found is not None and found.state == "draining"

            await eventually(is_seen)
            hint = await phone.frame("reconnect")
            assert hint["afterMs"] >= 0
            await eventually(lambda: phone.socket.closed)
            assert phone.socket.close_code == 1012
            outcome = await draining

        assert outcome.code == 0, outcome.out + outcome.error
        assert [text.split(" ", 1)[1] for text in outcome.out.splitlines()] == ["drains: 1 sockets", "has ended"]
        assert await gateway.ended() == 0
        assert other.runs


async def test_all_gateways_drain_one_after_another_and_never_both(
    database_url: str, redis_url: str, logs: Path
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, LEASE_SECONDS=FAST) as running:
        gateways = [running.processes[name] for name in ("gateway-1", "gateway-2")]
        before = [gateway.pid for gateway in gateways]
        fewest = len(gateways)

        async def keep_running() -> None:
            """As Kubernetes would."""
            nonlocal fewest
            while True:
                fewest = min(fewest, sum(gateway.runs for gateway in gateways))
                for gateway in gateways:
                    if not gateway.runs:
                        gateway.spawn()
                await asyncio.sleep(0.02)

        keeper = asyncio.create_task(keep_running())
        outcome = await command("drain", "--all", **settings_of(running, "REDIS_URL"))
        keeper.cancel()

        assert outcome.code == 0, outcome.out + outcome.error
        assert fewest == 1
        assert all(gateway.pid not in before for gateway in gateways)


async def test_where_the_first_is_not_replaced_the_others_are_left_alone(
    database_url: str, redis_url: str, logs: Path
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, LEASE_SECONDS=FAST) as running:
        outcome = await command("drain", "--all", "--timeout", "3", **settings_of(running, "REDIS_URL"))

        assert outcome.code == 1
        assert "was not replaced" in outcome.out
        assert sorted(running.processes[name].runs for name in ("gateway-1", "gateway-2")) == [False, True]


async def test_a_name_that_nobody_has_is_told_with_those_that_are_there(
    database_url: str, redis_url: str, logs: Path
) -> None:
    async with fleet(logs, database_url, redis_url, LEASE_SECONDS=FAST) as running:
        outcome = await command("drain", "gateway-1", **settings_of(running, "REDIS_URL"))

        assert outcome.code == 2
        assert await name_of(running, running.processes["gateway-1"]) in outcome.error


async def test_all_is_not_done_where_the_last_gateway_is_not_replaced(
    database_url: str, redis_url: str, logs: Path
) -> None:
    async with fleet(logs, database_url, redis_url, LEASE_SECONDS=FAST) as running:
        outcome = await command("drain", "--all", "--timeout", "3", **settings_of(running, "REDIS_URL"))

        assert outcome.code == 1
        assert "NO GATEWAY SERVES" in outcome.out
