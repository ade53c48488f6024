"""Who is online across the fleet, as it stands in Redis. Gateways write it, everyone may read it.

A gateway incarnation is alive while its lease is there; a user is online while a live incarnation holds them.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from shared import keys
from shared.redis import RedisClient
from shared.redis_batches import Batches, successes
from shared.streams import GatewayStats
from shared.wire import is_foreign

FRESH_SECONDS = 1.0
"""How long the list of live gateways is taken for true without asking again: presence promises seconds, not less."""

_read_stats = msgspec.json.Decoder(GatewayStats).decode


class PresenceReader:
    """Every method raises one of REDIS_FAILURES while Redis is away; nothing is answered from memory then.

    `epoch()` is the line of history that the reader follows: gateways that follow another one are another deployment's,
    and hold nobody here.
    """

    def __init__(self, redis: RedisClient, epoch: Callable[[], str]) -> None:
        self._epoch = epoch
        self._redis = Batches(redis)
        self._named = redis.named
        self._live: dict[str, GatewayStats] = {}
        self._fresh_until = 0.0

    async def live(self) -> dict[str, GatewayStats]:
        """The incarnations whose lease is alive, at most FRESH_SECONDS old."""
        if time.monotonic() >= self._fresh_until:
            live = await self._read_leases()
            self._live, self._fresh_until = live, time.monotonic() + FRESH_SECONDS
        ours = self._epoch()
        return {name: stats for name, stats in self._live.items() if not is_foreign(stats.epoch, ours)}

    @property
    def epoch(self) -> str:
        """The line of history that the reader follows."""
        return self._epoch()

    async def fleet(self) -> list[GatewayStats]:
        """What each live gateway holds."""
        return list((await self.live()).values())

    async def online(self, user_ids: Iterable[str]) -> set[str]:
        """Those of the users who are online, in one round trip."""
        asked = list(user_ids)
        if not asked:
            return set()
        live = await self.live()
        held = await self._pipelined([("HKEYS", self._named(keys.presence(user_id))) for user_id in asked])
        return {user_id for user_id, holders in zip(asked, held, strict=True) if _any_alive(holders, live)}

    async def holders(self, user_id: str) -> dict[str, int]:
        """The live incarnations that hold the user, and with how many connections each."""
        live = await self.live()
        [flat] = await self._pipelined([("HGETALL", self._named(keys.presence(user_id)))])
        held = {name.decode(): int(number) for name, number in zip(flat[::2], flat[1::2], strict=True)}
        return {name: number for name, number in held.items() if name in live and number}

    async def left_at(self, user_ids: Iterable[str]) -> dict[str, int]:
        """When each of the users went offline (ms since 1970), of those who did lately.

        Whom `online` left out a moment ago is in it, if they were online within these minutes: Postgres hears later.
        """
        asked = list(user_ids)
        found = await self._pipelined([("GET", self._named(keys.left_at(user_id, self._epoch()))) for user_id in asked])
        return {user_id: int(at_ms) for user_id, at_ms in zip(asked, found, strict=True) if at_ms is not None}

    async def _read_leases(self) -> dict[str, GatewayStats]:
        [registered] = await self._pipelined([("ZRANGE", self._named(keys.GATEWAYS), "0", "-1")])
        names = [name.decode() for name in registered]
        leases = await self._pipelined([("GET", self._named(keys.lease(name))) for name in names])
        return {name: _read_stats(lease) for name, lease in zip(names, leases, strict=True) if lease is not None}

    async def _pipelined(self, commands: list[tuple[str, ...]]) -> list[Any]:
        """One command per key, not MGET: in a cluster the keys lie on several nodes."""
        if not commands:
            return []
        return successes(await self._redis.send(commands))


def _any_alive(holders: list[bytes], live: dict[str, GatewayStats]) -> bool:
    return any(holder.decode() in live for holder in holders)
