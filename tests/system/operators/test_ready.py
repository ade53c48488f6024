"""Ready is who can do the work: a part that answers and does not work is away, and the reason is told."""

import json
from typing import Any

import aiohttp
import asyncpg

from services.embedded import EmbeddedPostgres, EmbeddedRedis
from shared.redis import open_redis
from tests.support.fleet import ServiceProcess, fleet
from tests.support.waiting import eventually

LOGIN = ("ACL", "SETUSER", "parley", "on", ">secret", "~*", "&*", "+@all")
TROUBLES = {
    "full": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "full"),
    "read-only": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "read-only"),
    "without scripting": (("ACL", "SETUSER", "parley", "-@scripting"), LOGIN, "ACL"),
    "without channels": (("ACL", "SETUSER", "parley", "resetchannels"), LOGIN, "ACL"),
}


async def told(process: ServiceProcess, http: aiohttp.ClientSession, *, public: bool = False) -> tuple[int, Any]:
    url = f"{process.url}/health" if public else f"{process.internal_url}/ready"
    async with http.get(url) as answer:
        return answer.status, json.loads(await answer.read())


async def test_a_redis_that_answers_and_does_not_work_is_away_and_the_reason_is_told(
    own_redis: EmbeddedRedis, database_url: str, logs: Any, http: aiohttp.ClientSession
) -> None:
    async with open_redis(own_redis.url) as client:
        redis: Any = client
        await redis.execute_command(*LOGIN)
        login = own_redis.url.replace(f":{own_redis.password}@", "parley:secret@")
        async with fleet(logs, database_url, login, pushers=1) as running:
            store, gateway, pusher = (running.processes[f"{kind}-1"] for kind in ("persistence", "gateway", "pusher"))
            for trouble, (break_it, mend_it, word) in TROUBLES.items():
                await redis.execute_command(*break_it)

                async def is_told(word: str = word) -> bool:
                    answers = [await told(one, http) for one in (gateway, pusher)]
                    reasons = [body.get("reasons", {}).get("redis", "") for status, body in answers if status == 503]
                    status, health = await told(store, http, public=True)
                    degraded = (status, health.get("status"), word in health.get("reasons", {}).get("redis", ""))
                    return (
                        len(reasons) == 2
                        and all(word in one for one in reasons)
                        and degraded == (200, "degraded", True)
                    )

                await eventually(is_told, 6)
                assert (await told(store, http))[0] == 200, trouble  # persistence is ready while Postgres is
                await redis.execute_command(*mend_it)

                async def is_well() -> bool:
                    answers = [await told(one, http) for one in (gateway, pusher)]
                    _, health = await told(store, http, public=True)
                    return [status for status, _ in answers] == [200, 200] and health.get("status") == "ok"

                await eventually(is_well, 8)


async def test_a_postgres_that_takes_no_writes_is_away_and_the_reason_is_told(
    own_postgres: EmbeddedPostgres, redis_url: str, logs: Any, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, own_postgres.url, redis_url, gateways=0) as running:
        store = running.processes["persistence-1"]
        for value in ("on", "off"):
            connection = await asyncpg.connect(own_postgres.url)
            await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            await connection.execute("SELECT pg_reload_conf()")
            await connection.close()
            expected = (503, 503, "read-only") if value == "on" else (200, 200, "")

            async def is_told(expected: tuple[int, int, str] = expected) -> bool:
                status, body = await told(store, http)
                public, health = await told(store, http, public=True)
                reasons = [one.get("reasons", {}).get("postgres", "") for one in (body, health)]
                return (status, public) == expected[:2] and reasons == [expected[2]] * 2

            await eventually(is_told, 10)
