"""Whether a gateway may be sent clients."""

from gateway.bus import Bus
from gateway.presence.script import trial
from gateway.session.acceptor import Acceptor
from shared.http.health import Health
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_batches import Batches, successes


class Readiness:
    def __init__(self, redis: RedisClient, incarnation: str, bus: Bus, acceptor: Acceptor) -> None:
        self._incarnation = incarnation
        self._bus = bus
        self._acceptor = acceptor
        self._batches = Batches(redis)
        self._health = Health("gateway", vital={"redis": self._run_presence}, outages=REDIS_FAILURES)

    async def parts(self) -> dict[str, str]:
        """What must work to serve: Redis, by what this gateway does with it, and not being about to stop. Each with
        its trouble, empty where there is none."""
        troubles = await self._health.parts()
        silent = "" if self._bus.proven else "what is published is not heard"
        accepting = "" if self._acceptor.is_open else "draining"
        return {"redis": troubles["redis"] or silent, "accepting": accepting}

    async def _run_presence(self) -> None:
        successes(await self._batches.send(trial(self._batches.named, self._incarnation)))
