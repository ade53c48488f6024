"""What a phone reads when it opens the app: its list, a page of history, a sync. And the list of somebody who has 1,000
conversations, one request at a time.
"""

import itertools
import time
from collections.abc import Iterator

import asyncpg
import msgspec

from tests.bench.load.arrivals import percentile
from tests.bench.load.http import HttpLoad, NextRequest, get, post
from tests.bench.machine import Meter
from tests.bench.population import CREATED
from tests.bench.seats import Seats, conversation_id
from tests.bench.systems.parley import Parley
from tests.bench.workloads.outcomes import Numbers

SYSTEM = {"gateways": 0, "writes": True}
CONCURRENCY = 16
WARM_UP_SECONDS = 1.0
BUSY, OTHERS = 1000, 100
"""Conversations of the one who has many, and how many people talk to them."""
MESSAGES = 50
"""In each conversation; as many as a page of history."""
OK = 200

_TALK = """
INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
SELECT c.id, n, n, $1, $1, gen_random_uuid(), c.created_by, 'See you at nine then?'
FROM conversations c, generate_series(1, $2::bigint) AS n
"""


class Readers(Seats):
    """User 0 is in 1,000 conversations of two, each of the others in ten of those and in twenty more."""

    def users_in(self, room: int) -> tuple[int, ...]:
        if room < BUSY:
            return (0, 1 + room % OTHERS)
        return tuple(1 + (room * 2 + member) % OTHERS for member in range(2))


SEATS = Readers(rooms=2 * BUSY, members=2, connections=1 + OTHERS)


async def run(system: Parley, seconds: float = 3.0) -> Numbers:
    await _talk(system.postgres.url)
    load = HttpLoad(system.persistence.port)
    await load.connect(CONCURRENCY)
    usual = itertools.cycle(_usual(system))
    await load.closed_loop(_until(usual, WARM_UP_SECONDS))
    load.forget()
    meter = Meter(system.groups)
    await load.closed_loop(_until(usual, seconds))
    usage, reads = meter.read(), load.statuses.total()
    failed = reads - load.statuses[OK]
    load.close()
    long_list = await _one_by_one(system, seconds / 2)
    return {
        "persistence_ms": usage.cpu["persistence"] / max(1, reads) * 1e3,
        "postgres_ms": usage.cpu["postgres"] / max(1, reads) * 1e3,
        "long_p50_ms": percentile(long_list, 0.5),
        "long_p99_ms": percentile(long_list, 0.99),
        "failed": failed,
        "noise": usage.noise,
    }


async def _talk(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(_TALK, CREATED, MESSAGES)
    await connection.execute("UPDATE conversations SET last_seq = $1, last_ordinal = $1", MESSAGES)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _usual(system: Parley) -> list[bytes]:
    """A list, a page and a sync of each user in turn; of what they sync, one conversation has news."""
    port = system.persistence.port
    requests = []
    for user, rooms in enumerate(system.rooms_of[1:], 1):
        token, ids = system.token(user), [conversation_id(room) for room in rooms]
        known = {one: MESSAGES for one in ids[1:]} | {ids[0]: MESSAGES - 5}
        requests.append(get("/api/conversations", port, token))
        requests.append(get(f"/api/conversations/{ids[0]}/messages", port, token))
        requests.append(post("/api/sync", port, token, msgspec.json.encode({"conversations": known})))
    return requests


def _until(requests: Iterator[bytes], seconds: float) -> NextRequest:
    end = time.monotonic() + seconds
    return lambda: next(requests) if time.monotonic() < end else None


async def _one_by_one(system: Parley, seconds: float) -> list[float]:
    """Milliseconds, sorted."""
    load = HttpLoad(system.persistence.port)
    await load.connect(1)
    request = get("/api/conversations?limit=100", system.persistence.port, system.token(0))
    await load.closed_loop(_until(itertools.repeat(request), WARM_UP_SECONDS / 2))
    load.forget()
    await load.closed_loop(_until(itertools.repeat(request), seconds))
    load.close()
    return sorted(load.latencies_ms)
