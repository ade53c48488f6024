"""Messages sent over REST, each committed before it is answered: persistence alone on its core, nobody connected.

Auth, limits, idempotency, outbox, publishing and push state are on, as always.
"""

import random
import time

import msgspec

from tests.bench.load.arrivals import percentile
from tests.bench.load.http import HttpLoad, NextRequest, post
from tests.bench.machine import Meter, Usage
from tests.bench.seats import Seats, conversation_id
from tests.bench.systems.parley import Parley
from tests.bench.workloads.outcomes import Numbers

CONCURRENCY = 64
WARM_UP_SECONDS = 2.0
SYSTEM = {"gateways": 0, "writes": True}
CREATED = 201


def SEATS(rooms: int, members: int, users: int) -> Seats:  # noqa: N802 - what every workload calls its seats
    return Seats(rooms, members, users)


class Senders:
    """Requests of random members into random rooms, each with a client id of its own."""

    def __init__(self, parley: Parley) -> None:
        self._port = parley.persistence.port
        self._seats = parley.seats
        self._tokens = [parley.token(user) for user in range(parley.seats.users)]
        self._random = random.Random(1)
        self._sent = 0

    def request(self, room: int | None = None, text: str = "See you at nine then?") -> bytes:
        room = self._random.randrange(self._seats.rooms) if room is None else room
        sender = self._random.choice(self._seats.users_in(room))
        self._sent += 1
        body = msgspec.json.encode({"text": text, "clientId": f"client-{self._sent}"})
        return post(f"/api/conversations/{conversation_id(room)}/messages", self._port, self._tokens[sender], body)

    def greetings(self) -> NextRequest:
        """One of each user: their token is verified, and their handle known, before anything is measured."""
        users = iter(range(self._seats.users))
        body = b'{"isTyping":false}'
        rooms = {user: room for room in range(self._seats.rooms) for user in self._seats.users_in(room)}

        def next_request() -> bytes | None:
            user = next(users, None)
            if user is None:
                return None
            path = f"/api/conversations/{conversation_id(rooms[user])}/typing"
            return post(path, self._port, self._tokens[user], body)

        return next_request

    def until(self, end: float) -> NextRequest:
        return lambda: self.request() if time.monotonic() < end else None


async def run(system: Parley, seconds: float = 5.0) -> Numbers:
    load, senders = HttpLoad(system.persistence.port), Senders(system)
    await load.connect(CONCURRENCY)
    await load.closed_loop(senders.greetings())
    await load.closed_loop(senders.until(time.monotonic() + WARM_UP_SECONDS))
    await system.tidy()
    load.forget()
    meter = Meter(system.groups)
    await load.closed_loop(senders.until(time.monotonic() + seconds))
    usage = meter.read()
    load.close()
    return _numbers(load, usage)


def _numbers(load: HttpLoad, usage: Usage) -> Numbers:
    sent, latencies = load.statuses[CREATED], sorted(load.latencies_ms)
    return {
        "sends_per_s": sent / usage.wall_seconds,
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
        "failed": load.statuses.total() - sent,
        "noise": usage.noise,
        **{f"{name}_ms": spent / max(1, sent) * 1e3 for name, spent in usage.cpu.items() if name != "server"},
    }
