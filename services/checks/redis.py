"""Redis: reachable, new enough, of the kind that the URL says, on time, and without eviction."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from redis.asyncio.cluster import RedisCluster

from services import openings
from services.checks.clock import skew
from services.checks.finding import Finding, error, ok, warning
from services.fleet.process import Process, Registry
from shared.redact import redact_text
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_url import is_cluster
from shared.redis_work import RedisWork
from shared.settings import Settings

SUBJECT = "REDIS_URL"
OLDEST = 7


async def redis(settings: Settings) -> AsyncIterator[Finding]:
    url = settings.redis_url or ""
    try:
        async with openings.redis_client(url, settings.redis_prefix) as client:
            for finding in _judged(await _on_one(client, "INFO"), wants_cluster=is_cluster(url)):
                yield finding
            yield await _work(client)
            before = time.time()
            seconds, micros = await _on_one(client, "TIME")
            yield skew("Redis", before, int(seconds) + int(micros) / 1e6, time.time())
    except (*REDIS_FAILURES, ValueError) as failure:
        yield error(SUBJECT, f"cannot reach Redis: {redact_text(str(failure) or type(failure).__name__)}")


async def _work(client: RedisClient) -> Finding:
    """As a process proves it: a script that writes, and a publication. An ACL may refuse either."""
    try:
        await RedisWork(client).check()
    except REDIS_FAILURES as failure:
        return error(SUBJECT, f"does not do what Parley needs: {redact_text(str(failure) or type(failure).__name__)}")
    return ok(SUBJECT, "scripts, writes and publications are taken")


async def running(settings: Settings) -> list[Process]:
    """The fleet's processes; none where Redis is away."""
    try:
        async with openings.redis_client(settings.redis_url or "", settings.redis_prefix) as client:
            return await Registry(client).running()
    except (*REDIS_FAILURES, ValueError):
        return []


async def _on_one(client: RedisClient, *words: str) -> Any:
    if not isinstance(client, RedisCluster):
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]
    await client.initialize()
    node = client.get_random_node()
    answer = await client.execute_command(*words, target_nodes=node)
    return answer[node.name] if isinstance(answer, dict) and node.name in answer else answer


def _judged(info: dict[str, Any], *, wants_cluster: bool) -> Iterator[Finding]:
    version = str(info.get("redis_version", "0"))
    if int(version.partition(".")[0]) < OLDEST:
        yield error(SUBJECT, f"Redis {version} is too old: {OLDEST}.0 or newer, for sharded pub/sub")
    else:
        yield ok(SUBJECT, f"Redis {version}")
    has_cluster = info.get("redis_mode") == "cluster"
    if has_cluster and not wants_cluster:
        yield error(SUBJECT, "is a node of a Redis Cluster: write redis+cluster:// (or rediss+cluster://)")
    if wants_cluster and not has_cluster:
        yield error(SUBJECT, "is no Redis Cluster: write redis:// (or rediss://)")
    if info.get("role") == "slave":
        yield error(SUBJECT, "is a replica: it takes no writes")
    yield _eviction(info)


def _eviction(info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy == "noeviction":
        return ok("maxmemory-policy", "noeviction")
    text = f"{policy}: Redis throws deadlines, leases and streams away when it is full; noeviction is right"
    return error("maxmemory-policy", text) if info.get("maxmemory") else warning("maxmemory-policy", text)
