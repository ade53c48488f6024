"""Three of the attacks of `make abuse`, judged by counts and memory: the machine of a test run may be busy."""

import asyncio
import json
from pathlib import Path

import aiohttp
import psutil

from tests.support.fleet import fleet
from tests.support.metrics import sample
from tests.system.abuse.trial import attacked, bystanders, refusals_told
from tests.system.abuse.wire import PROXY

SECONDS = 4.0
MOST_LINES = 20
"""Of refusals: a few kinds, once each."""
MOST_GROWTH = 64 << 20


async def test_silent_connections_leave_a_place_for_who_asks(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    bounds = fleet(logs, database_url, redis_url, MAX_HTTP_CONNECTIONS="200", MAX_ADDRESS_CONNECTIONS="100")
    async with bounds as running:
        async with attacked(running, "silence", SECONDS) as told, bystanders(running, http) as people:
            seen = await people.talk(2, patience=60)
        assert not seen.missing
        assert told["ended"] >= 100


async def test_a_flood_of_what_is_not_there_is_refused_seen_and_hardly_logged(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, RATE_LIMIT_ADDRESS="10:50") as running:
        async with attacked(running, "what is not there", SECONDS) as told, bystanders(running, http) as people:
            seen = await people.talk(1, patience=60)
        assert not seen.missing
        assert told["429"] > 10 * told["404"]
        assert refusals_told(running) <= MOST_LINES
        assert await sample(running.processes["persistence-1"], "parley_http_refused_total") > 0


async def test_long_forwarded_headers_take_no_memory(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, TRUSTED_PROXIES=PROXY) as running:
        process = psutil.Process(running.processes["persistence-1"].pid)
        before = process.memory_info().rss
        async with attacked(running, "long forwarded headers", SECONDS) as told:
            await asyncio.sleep(0)
        assert sum(told.values()) > 100, json.dumps(told)
        assert process.memory_info().rss - before < MOST_GROWTH
