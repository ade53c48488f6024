"""Parley as in production: its own processes over a real Postgres and a real Redis. Only limits are raised."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg

from persistence.database.migrate import migrate
from shared import keys
from tests.bench.load.publishing import to_parley
from tests.bench.machine import LOAD_CPU, SERVER_CPU, descendants, pinned
from tests.bench.population import populate, wear_in
from tests.bench.seats import Seats, conversation_id, user_id
from tests.bench.systems.system import Groups, System, upgrade
from tests.support.fleet import Fleet, ServiceProcess
from tests.support.servers import new_postgres, new_redis

RAISED = {
    "RATE_LIMIT_USER": "1000000:1000000",
    "RATE_LIMIT_ADDRESS": "1000000:1000000",
    "RATE_LIMIT_FRAMES": "100000:100000",
    "ACCEPT_RATE": "100000",
    "DRAIN_SECONDS": "0",
    "CHECK_SECONDS": "86400",
}
"""Defaults that protect from one abuser; every client of a benchmark is that one. And the gateway's check of its heads,
which would find that the benchmark publishes what Postgres never held, and send everyone to sync."""


class Parley(System):
    """`gateways` share SERVER_CPU. With `writes` persistence stands there too, else beside Redis: what is measured
    stands on SERVER_CPU, and only that."""

    name = "parley"

    def __init__(
        self, directory: Path, seats: Seats, payload_size: int = 0, *, gateways: int = 1, writes: bool = False
    ) -> None:
        super().__init__(directory, seats, payload_size)
        self._gateway_count = gateways
        self._writes = writes
        self.gateways: list[ServiceProcess] = []
        self.persistence: ServiceProcess

    async def start(self, stack: AsyncExitStack) -> None:
        self.redis = await stack.enter_async_context(new_redis(self.directory))
        self.postgres = await stack.enter_async_context(new_postgres(self.directory))
        self.redis_pids = [self.redis.pid]
        await migrate(self.postgres.url)
        seats = self.seats
        conversations = (seats.users_in(room) for room in range(seats.rooms))
        self.epoch = await populate(self.postgres.url, seats.users, conversations)
        if self._writes:
            await wear_in(self.postgres.url)
        self.secret = secrets.token_hex(32)
        self.fleet = Fleet(self.directory, self._environment(), self.secret)
        stack.push_async_callback(self.fleet.stop)
        await self._start_services()
        self.server_pids = [gateway.pid for gateway in self.gateways]
        channels = [keys.room(conversation_id(room)) for room in range(seats.rooms)]
        self.publishing = to_parley(self.redis.port, self.redis.password, channels, self.epoch, self.payload_size)

    async def _start_services(self) -> None:
        self.persistence = self.fleet.add("persistence", "persistence")
        with pinned(SERVER_CPU if self._writes else LOAD_CPU):
            self.persistence.spawn()
        with pinned(SERVER_CPU):
            for number in range(self._gateway_count):
                url = self.persistence.internal_url
                gateway = self.fleet.add("gateway", f"gateway-{number}", PERSISTENCE_URL=url)
                gateway.spawn()
                self.gateways.append(gateway)
        for process in (self.persistence, *self.gateways):
            await process.ready()

    def _environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "JWT_SECRET": self.secret,
            "SERVICE_TOKEN": secrets.token_hex(16),
            **RAISED,
        }

    def token(self, user: int) -> str:
        return self.fleet.token(user_id(user), f"user{user}", ttl=3600)

    def gateway_of(self, connection: int) -> ServiceProcess:
        """Members of one room are on one gateway, where everyone is in one room."""
        return self.gateways[connection // self.seats.members % len(self.gateways)]

    def port_of(self, connection: int) -> int:
        return self.gateway_of(connection).port

    def request(self, connection: int) -> bytes:
        header = f"Authorization: Bearer {self.token(connection)}"
        return upgrade("/messages/subscribe?acks=1", self.port_of(connection), header)

    def greet(self, connection: int, frames: bytes) -> tuple[bytes, bool]:
        return b"", b'"type":"connected"' in frames

    @property
    def groups(self) -> Groups:
        persistence_cpu = SERVER_CPU if self._writes else LOAD_CPU
        return {
            **super().groups,
            "persistence": (persistence_cpu, [self.persistence.pid]),
            "postgres": (LOAD_CPU, descendants(self.postgres.pid)),
        }

    async def tidy(self) -> None:
        """Postgres and Redis have done what they put off: a checkpoint in the middle would be measured as ours."""
        connection = await asyncpg.connect(self.postgres.url)
        await connection.execute("CHECKPOINT")
        await connection.close()
        await asyncio.sleep(0.2)

    def age_seconds(self, since: float) -> float:
        return time.monotonic() - since
