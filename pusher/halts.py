"""Platforms whose credentials are refused: their pushes wait until one goes through again.

Expo takes a push and learns only later that APNs or FCM refuse the project's key: its receipt says so. From then on a
platform's pushes wait, shared by all pushers through Redis, while the other platform's go on. Now and then one of them
goes out as a probe; once a probe's receipt is good, the rest follows. A new key changes no token.
"""

from collections.abc import Iterable
from typing import Any

from shared import keys
from shared.redis import RedisClient

PROBE_SECONDS = 60
KEPT_SECONDS = 24 * 3600
"""As long as Expo keeps a receipt."""

# KEYS: the halts, when each was last lifted. ARGV: platform, when the refused push was sent (ms). What was sent before
# the halt was lifted says nothing of the credentials that hold now.
_HALT = """
local lifted = redis.call('HGET', KEYS[2], ARGV[1])
if lifted and tonumber(ARGV[2]) < tonumber(lifted) then return 0 end
local time = redis.call('TIME')
return redis.call('HSETNX', KEYS[1], ARGV[1], time[1] * 1000)
"""

# KEYS: the halts, when each was last lifted, the platform's probes. ARGV: platform.
_LIFT = """
local time = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[1], time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('DEL', KEYS[3])
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class Halts:
    """All methods raise REDIS_FAILURES."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._named = redis.named
        self._halt = redis.register_script(_HALT)
        self._lift = redis.register_script(_LIFT)

    async def halt(self, platform: str, sent_at_ms: int) -> bool:
        """A push that was sent then was refused for its credentials. Whether the halt begins by this."""
        return bool(
            await self._halt(
                keys=[self._named(keys.PUSH_HALTS), self._named(keys.PUSH_LIFTS)], args=[platform, sent_at_ms]
            )
        )

    async def lift(self, platform: str) -> bool:
        """A push of this platform went through. Whether the halt ends by this."""
        arguments = [
            self._named(keys.PUSH_HALTS),
            self._named(keys.PUSH_LIFTS),
            self._named(keys.push_probes(platform)),
        ]
        return bool(await self._lift(keys=arguments, args=[platform]))

    async def halted(self) -> set[str]:
        found: Any = await self._redis.hkeys(self._named(keys.PUSH_HALTS))
        return {platform.decode() for platform in found}

    async def probing(self, platforms: Iterable[str]) -> dict[str, bool]:
        """Of these the halted ones, and whether one push of each may go out now, as a probe."""
        halted = await self.halted()
        return {platform: await self._may_probe(platform) for platform in halted.intersection(platforms)}

    async def _may_probe(self, platform: str) -> bool:
        return bool(await self._redis.set(self._named(keys.push_probe(platform)), 1, nx=True, ex=PROBE_SECONDS))

    async def remember(self, platform: str, ticket_id: str) -> None:
        """This ticket's receipt will tell whether the platform's pushes go through again."""
        await self._redis.sadd(self._named(keys.push_probes(platform)), ticket_id)
        await self._redis.expire(self._named(keys.push_probes(platform)), KEPT_SECONDS)

    async def probes(self, platform: str) -> list[str]:
        """Tickets whose receipts are still to be asked for."""
        found: Any = await self._redis.smembers(self._named(keys.push_probes(platform)))
        return sorted(ticket.decode() for ticket in found)

    async def forget(self, platform: str, ticket_ids: Iterable[str]) -> None:
        """These receipts came, and were not good."""
        tickets = list(ticket_ids)
        if tickets:
            await self._redis.srem(self._named(keys.push_probes(platform)), *tickets)
