import asyncio
from typing import Any

import asyncpg

from services.embedded import EmbeddedPostgres, EmbeddedRedis
from shared.redis import open_redis
from tests.integration.rest.conftest import Rest, serving
from tests.support.servers import paused
from tests.support.waiting import eventually


async def state(rest: Rest) -> tuple[int, Any, int]:
    async with rest.http.get("/health") as health, rest.internal.get("/ready") as ready:
        return health.status, await health.json(), ready.status


async def test_health_is_ok_while_everything_is_there(rest: Rest) -> None:
    assert await state(rest) == (200, {"status": "ok", "parts": {"postgres": "ok", "redis": "ok"}}, 200)


async def test_without_redis_health_is_degraded_and_names_it_while_the_service_stays_ready(
    database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with serving(database_url, own_redis.url) as rest:
        with paused(own_redis):
            found = await state(rest)

    parts, reasons = {"postgres": "ok", "redis": "away"}, {"redis": "no answer in time"}
    assert found == (200, {"status": "degraded", "parts": parts, "reasons": reasons}, 200)


async def test_metrics_say_why_a_part_is_away_and_that_it_is_back(database_url: str, own_redis: EmbeddedRedis) -> None:
    async with open_redis(own_redis.url) as redis, serving(database_url, own_redis.url) as rest:
        for limit, expected in (("1", "1.0"), ("0", "0.0")):
            await redis.config_set("maxmemory", limit)

            async def is_told(expected: str = expected) -> bool:
                await state(rest)
                async with rest.internal.get("/metrics") as answer:
                    said = await answer.text()
                labels = 'part="redis",reason="full: it takes no writes",service="persistence"'
                return f"parley_part_away{{{labels}}} {expected}" in said

            await eventually(is_told)


async def test_a_lock_timeout_of_the_role_is_answered_503_and_the_send_works_once_the_lock_is_gone(
    database_url: str, redis_url: str
) -> None:
    holder = await asyncpg.connect(database_url)
    name = await holder.fetchval("SELECT current_database()")
    await holder.execute(f'ALTER DATABASE "{name}" SET lock_timeout = 200')
    async with serving(database_url, redis_url) as rest:
        ann, bob = rest.person("ann"), rest.person("bob")
        conversation = await ann.start(bob)
        async with holder.transaction():
            await holder.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", conversation)
            refused = await ann.ask("POST", f"/api/conversations/{conversation}/messages", json={"text": "x"})
        await ann.send(conversation, "again")
    await holder.close()

    assert (refused.status, (await refused.json())["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) >= 1


async def test_without_postgres_a_send_is_refused_cleanly_and_works_again_after(
    own_postgres: EmbeddedPostgres, redis_url: str
) -> None:
    async with serving(own_postgres.url, redis_url) as rest:
        ann, bob = rest.person("ann"), rest.person("bob")
        conversation = await ann.start(bob)
        await own_postgres.stop()

        refused = await ann.ask("POST", f"/api/conversations/{conversation}/messages", json={"text": "x"})
        listed = await ann.ask("GET", "/api/conversations")
        gone = await state(rest)
        told = await ann.ask("GET", "/health")
        async with rest.internal.get("/live") as live:
            alive = live.status
        await own_postgres.start()
        await eventually(lambda: _is_sent(rest, ann.token, conversation), 20)

    assert (refused.status, listed.status, gone[0], gone[2], alive) == (503, 503, 503, 503, 200)
    assert min(int(answer.headers["Retry-After"]) for answer in (refused, listed, told)) >= 1
    assert (await refused.json())["code"] == "unavailable"
    assert gone[1]["parts"]["postgres"] == "away"


async def _is_sent(rest: Rest, token: str, conversation: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/conversations/{conversation}/messages"
    async with rest.http.post(path, json={"text": "again", "clientId": "1"}, headers=headers) as answer:
        await asyncio.sleep(0.05)
        return answer.status in (200, 201)


async def test_metrics_name_routes_by_their_pattern(rest: Rest) -> None:
    ann, bob = rest.person(), rest.person()
    conversation = await ann.start(bob)
    await ann.send(conversation, "x")

    async with rest.internal.get("/metrics") as answer:
        text = await answer.text()

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    route = 'method="POST",route="/api/conversations/{id}/messages",service="persistence",status="201"'
    assert f"parley_http_request_seconds_count{{{route}}}" in text
    assert conversation not in text
    assert ann.id not in text
