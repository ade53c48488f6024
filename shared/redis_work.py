"""Proof that Redis does what a service needs it for. A PING is answered by one that is full, read-only or forbidden."""

from shared import keys
from shared.ids import new_id
from shared.redis import RedisClient
from shared.redis_batches import Batches, successes

PROBE_SECONDS = 10
"""How long the probe's key stays where nothing removes it."""

_WRITE = "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]); return redis.call('GET', KEYS[1])"


class RedisWork:
    """Of one process: a name of its own, so that no two probe on one key."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = Batches(redis)
        self._name = redis.named(keys.probe(new_id()))

    async def check(self) -> None:
        """Writes by a script and publishes, in one round trip. Raises one of REDIS_FAILURES where it may not, or
        cannot."""
        script = ("EVAL", _WRITE, 1, self._name, "1", PROBE_SECONDS)
        successes(await self._redis.send([script, ("SPUBLISH", self._name, b"")]))
