"""What a process says of itself, and the one place where the fleet's processes are found."""

import msgspec

from shared import keys
from shared.clock import now_ms
from shared.redis import RedisClient

FORGOTTEN_AFTER_MS = 3_600_000
"""Names of processes that ended without a word are kept for so long."""


class Process(msgspec.Struct, frozen=True, rename="camel"):
    """One service of one process. `numbers` are of the last seconds; those that end in `_per_second` are rates."""

    name: str
    """`gateway@HOST:INTERNAL_PORT`: by which commands address it; the same after a restart in the same place."""
    service: str
    address: str
    """URL of its internal port, as other machines of its network reach it."""
    started_ms: int
    at_ms: int
    away: list[str] = []
    """The parts that it lacks, as its /ready and /health name them."""
    numbers: dict[str, float] = {}
    incarnation: str = ""
    """A gateway's: the name of its channel."""
    epoch: str = ""
    """The line of history that it follows; empty while it does not know, and in older releases."""

    @property
    def is_draining(self) -> bool:
        return "accepting" in self.away

    @property
    def state(self) -> str:
        if self.is_draining:
            return "draining"
        return f"without {', '.join(self.away)}" if self.away else "serving"


_read = msgspec.json.Decoder(Process)


class Registry:
    """Every method raises one of REDIS_FAILURES."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._named = redis.named

    async def put(self, process: Process, seconds: float) -> None:
        """It counts as running for so long."""
        milliseconds = int(seconds * 1000)
        async with self._redis.pipeline(transaction=False) as pipeline:
            value = msgspec.json.encode(process)
            pipeline.execute_command("SET", self._named(keys.process(process.name)), value, "PX", milliseconds)
            pipeline.execute_command("ZADD", self._named(keys.PROCESSES), now_ms(), process.name)
            pipeline.execute_command(
                "ZREMRANGEBYSCORE", self._named(keys.PROCESSES), "-inf", now_ms() - FORGOTTEN_AFTER_MS
            )
            await pipeline.execute()

    async def remove(self, name: str) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("DEL", self._named(keys.process(name)))
            pipeline.execute_command("ZREM", self._named(keys.PROCESSES), name)
            await pipeline.execute()

    async def running(self) -> list[Process]:
        """By service, then by name."""
        names = await self._redis.execute_command("ZRANGE", self._named(keys.PROCESSES), "0", "-1")
        if not names:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.execute_command("GET", self._named(keys.process(name.decode())))
            found = await pipeline.execute()
        running = [_read.decode(value) for value in found if value is not None]
        return sorted(running, key=lambda process: (process.service, process.name))
