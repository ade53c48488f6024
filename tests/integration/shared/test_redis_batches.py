"""Batches over a kept connection, on a real Redis, on one that goes away, and on a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from services.embedded import EmbeddedRedis
from shared.redis import REDIS_FAILURES, open_redis
from shared.redis_batches import Batches, successes
from tests.support.redis_cluster import redis_binary, redis_cluster
from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually


@asynccontextmanager
async def batches(url: str, answer_seconds: float = 10.0) -> AsyncIterator[Batches]:
    redis = open_redis(url)
    yield Batches(redis, answer_seconds=answer_seconds)
    await redis.aclose()


async def test_answers_come_in_order_and_a_refusal_in_its_place(redis_url: str) -> None:
    async with batches(redis_url) as redis:
        first, refused, last = await redis.send([("SET", "a", "text"), ("LPUSH", "a", 1), ("GET", b"a")])
    assert (first, last) == (b"OK", b"text")
    assert isinstance(refused, ResponseError)
    with pytest.raises(ResponseError):
        successes([first, refused, last])


async def test_those_who_send_at_once_get_their_own_answers(redis_url: str) -> None:
    async with batches(redis_url) as redis:
        answers = await asyncio.gather(*[redis.send([("ECHO", number)]) for number in range(100)])
    assert answers == [[str(number).encode()] for number in range(100)]


async def test_a_restart_of_redis_between_two_batches_shows_in_neither(own_redis: EmbeddedRedis) -> None:
    async with batches(own_redis.url) as redis:
        await redis.send([("PING",)])
        await restart(own_redis)
        assert await redis.send([("PING",)]) == [b"PONG"]


async def test_while_redis_is_gone_a_batch_fails_and_once_it_is_back_none(own_redis: EmbeddedRedis) -> None:
    async with batches(own_redis.url) as redis:
        await redis.send([("PING",)])
        kill(own_redis)
        for _ in range(2):
            with pytest.raises(REDIS_FAILURES):
                await redis.send([("PING",)])
        await restart(own_redis)
        assert await redis.send([("PING",)]) == [b"PONG"]


async def test_an_answer_that_comes_after_its_deadline_is_nobody_elses(own_redis: EmbeddedRedis) -> None:
    async with batches(own_redis.url, answer_seconds=0.1) as redis:
        await redis.send([("PING",)])
        with paused(own_redis):
            late = asyncio.gather(*[redis.send([("ECHO", text)]) for text in "ab"], return_exceptions=True)
            assert [type(answer) for answer in await late] == [TimeoutError, TimeoutError]
    async with batches(own_redis.url) as redis:
        waiting = asyncio.create_task(redis.send([("ECHO", "given up"), ("ECHO", "too")]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await redis.send([("ECHO", "next")]) == [b"next"]


async def test_in_a_cluster_each_command_finds_its_node(tmp_path: Path) -> None:
    async with redis_cluster(redis_binary(), tmp_path) as cluster, batches(cluster.url) as redis:

        async def all_written() -> bool:  # a cluster that has just formed refuses some for a moment
            return await redis.send([("SET", f"key {n}", n) for n in range(20)]) == [True] * 20

        await eventually(all_written)
        assert await redis.send([("GET", f"key {n}") for n in range(20)]) == [str(n).encode() for n in range(20)]
