"""Asks gateways to stop as SIGTERM would: one by name, or all, one after another."""

import argparse
import asyncio
from time import monotonic

from services import attached, openings
from services.commands import EXIT_CODES, described
from services.fleet.asking import Failed, own_epoch
from services.fleet.process import Process, Registry
from services.printing import say
from shared import keys
from shared.redis import REDIS_FAILURES, RedisClient
from shared.settings import SettingError, Settings
from shared.texts import escaped
from shared.wire import Kind, is_foreign, pack

LOOK_SECONDS = 0.25

HELP = f"""
A gateway that drains takes no new socket and is not ready, asks its clients one after another to move (over its
DRAIN_SECONDS), closes those that stay with 1012, and ends with exit code 0. Whatever keeps it running (Kubernetes,
systemd) starts it again. `stats` shows it as `draining` meanwhile.

With --all the next one is asked only when as many gateways serve as before, and the command is done when the last one
is replaced too: so nobody is left without one. Where a gateway is not replaced within --timeout, the others are left
alone.

Where several deployments share the Redis without a REDIS_PREFIX, PERSISTENCE_URL and SERVICE_TOKEN say which one is
meant: the gateways of the others are left alone.

needs: REDIS_URL, else the Redis of an `up` that runs (--data)

  python -m services drain gateway@gateway-6d4bcf7-x2x9k:4001
  python -m services drain --all --timeout 600

{EXIT_CODES}
1 here: it did not hear, did not end, or was not replaced in time.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("gateway", nargs="?", metavar="GATEWAY", help="its name in `stats`")
    parser.add_argument("--all", action="store_true", help="every gateway, one after another")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it has ended (with one GATEWAY)")
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="for each gateway (default: 300)"
    )
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    if bool(chosen.gateway) == chosen.all:
        raise SettingError("drain takes one GATEWAY, or --all")
    if chosen.all and chosen.no_wait:
        raise SettingError("--no-wait is for one GATEWAY: --all takes them one after another")
    if chosen.timeout <= 0:
        raise SettingError("--timeout is malformed: a number of seconds above 0")
    async with openings.redis_client(attached.redis_url(settings, chosen), settings.redis_prefix) as redis:
        try:
            epoch = await own_epoch(settings, chosen, await Registry(redis).running())
            return await _Drain(redis, epoch, chosen.timeout).run(chosen.gateway, wait=not chosen.no_wait)
        except REDIS_FAILURES as error:
            raise SettingError(f"REDIS_URL: {error}") from None
        except Failed as failure:
            raise SettingError(str(failure)) from None


class _Drain:
    """Of the gateways that follow this epoch; of all, where it is empty."""

    def __init__(self, redis: RedisClient, epoch: str, timeout_seconds: float) -> None:
        self._redis = redis
        self._epoch = epoch
        self._registry = Registry(redis)
        self._timeout = timeout_seconds

    async def run(self, name: str | None, *, wait: bool) -> int:
        """Of the gateway of this name; of all, without one."""
        gateways = await self._gateways()
        if name is None:
            return await self._all(gateways)
        found = next((one for one in gateways if one.name == name), None)
        if found is None:
            known = ", ".join(one.name for one in gateways) or "none"
            raise SettingError(f"no gateway {name} runs; there is: {known}")
        return 0 if await self._ask(found) and (not wait or await self._ended(found)) else 1

    async def _all(self, gateways: list[Process]) -> int:
        if not gateways:
            say("no gateway runs")
            return 1
        # Also one that only starts counts: it must serve before the next one goes.
        wanted = sum(not one.is_draining for one in gateways)
        for gateway in gateways:
            if not (await self._ask(gateway) and await self._ended(gateway)):
                return 1
            if not await self._replaced(gateway, wanted):
                return 1
        return 0

    async def _ask(self, gateway: Process) -> bool:
        channel = self._redis.named(keys.gateway(gateway.incarnation))
        heard = await self._redis.execute_command("SPUBLISH", channel, pack(Kind.DRAIN, b""))
        sockets = f"{gateway.numbers.get('connections', 0):,.0f} sockets"
        say(f"{escaped(gateway.name)} {'drains' if heard else 'did not hear'}: {sockets}")
        return bool(heard)

    async def _ended(self, gateway: Process) -> bool:
        deadline = monotonic() + self._timeout
        while monotonic() < deadline:
            if all(one.incarnation != gateway.incarnation for one in await self._gateways()):
                say(f"{escaped(gateway.name)} has ended")
                return True
            await asyncio.sleep(LOOK_SECONDS)
        say(f"{escaped(gateway.name)} has not ended in {self._timeout:.0f} s")
        return False

    async def _replaced(self, gateway: Process, wanted: int) -> bool:
        deadline = monotonic() + self._timeout
        while monotonic() < deadline:
            if sum(one.state == "serving" for one in await self._gateways()) >= wanted:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        serving = sum(one.state == "serving" for one in await self._gateways())
        left = f"{serving} of {wanted} gateways serve" if serving else "NO GATEWAY SERVES"
        say(f"{left}: {escaped(gateway.name)} was not replaced in {self._timeout:.0f} s, others are left alone")
        return False

    async def _gateways(self) -> list[Process]:
        return [
            one
            for one in await self._registry.running()
            if one.service == "gateway" and not is_foreign(one.epoch, self._epoch)
        ]
