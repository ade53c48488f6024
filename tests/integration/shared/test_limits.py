"""Rate limits on a real Redis, and on one that is killed, stopped, or has forgotten the script."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.embedded import EmbeddedRedis
from shared.lifecycle import Stop, Tasks
from shared.limits import ALLOWED, Allowed, Check, Limited, RateLimiter
from shared.limits import limiter as limits
from shared.limits.breaker import PROBE_SECONDS
from shared.redis import RedisClient, open_redis
from shared.setting_forms import Bucket
from tests.support.redis_cluster import redis_binary, redis_cluster
from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually

SLOW = Bucket(rate=0.01, burst=3)


@asynccontextmanager
async def limiters(
    url: str, count: int = 1, answer_seconds: float = 10.0
) -> AsyncIterator[tuple[RedisClient, list[RateLimiter]]]:
    """As many limiters as processes would have, on one Redis; patient, where nothing is said, as busy machines are."""
    async with AsyncExitStack() as stack:
        redis = open_redis(url)
        stack.push_async_callback(redis.aclose)
        tasks = await stack.enter_async_context(Tasks("test", Stop()))
        yield redis, [RateLimiter(redis, tasks, answer_seconds=answer_seconds) for _ in range(count)]


def decisions(source: str) -> float:
    samples = [
        REGISTRY.get_sample_value("parley_rate_limit_decisions_total", {"source": source, "outcome": outcome})
        for outcome in ("allowed", "limited")
    ]
    return sum(sample or 0 for sample in samples)


async def test_a_burst_passes_then_all_processes_together_get_the_rate(redis_url: str) -> None:
    async with limiters(redis_url, count=2) as (_, processes):
        verdicts = [await processes[turn % 2].take([Check("user", SLOW)]) for turn in range(5)]
    assert verdicts[:3] == [ALLOWED] * 3
    for verdict in verdicts[3:]:
        assert isinstance(verdict, Limited)
        assert 90 < verdict.retry_after_seconds <= 100


async def test_after_the_wait_that_it_names_one_passes(redis_url: str) -> None:
    fast = Bucket(rate=20, burst=1)
    async with limiters(redis_url) as (_, (limiter,)):
        assert await limiter.take([Check("user", fast)]) == ALLOWED
        limited = await limiter.take([Check("user", fast)])
        assert isinstance(limited, Limited)
        assert 0 < limited.retry_after_seconds <= 0.05
        await asyncio.sleep(limited.retry_after_seconds)
        assert await limiter.take([Check("user", fast)]) == ALLOWED


async def test_a_hundred_at_once_get_no_more_than_the_burst(redis_url: str) -> None:
    async with limiters(redis_url, count=4) as (_, processes):
        verdicts = await asyncio.gather(*[processes[turn % 4].take([Check("user", SLOW)]) for turn in range(100)])
    assert sum(isinstance(verdict, Allowed) for verdict in verdicts) == 3


async def test_of_several_keys_the_emptiest_decides_and_each_key_counts_for_itself(redis_url: str) -> None:
    wide = Bucket(rate=0.01, burst=100)
    async with limiters(redis_url) as (_, (limiter,)):
        for _ in range(3):
            assert await limiter.take([Check("user", SLOW), Check("address", wide)]) == ALLOWED
        limited = await limiter.take([Check("user", SLOW), Check("address", wide)])
        assert isinstance(limited, Limited)
        assert limited.retry_after_seconds > 90
        assert await limiter.take([Check("other", SLOW), Check("address", wide)]) == ALLOWED


async def test_those_who_ask_in_one_tick_share_one_round_trip(redis_url: str) -> None:
    async with limiters(redis_url) as (redis, (limiter,)):
        await limiter.take([Check("warm", SLOW)])
        packets = await input_packets(redis)
        await asyncio.gather(
            *[limiter.take([Check(f"user{n}", SLOW), Check("address", Bucket(1, 1000))]) for n in range(50)]
        )
        # The answer to one INFO is in the second one's count as well.
        assert await input_packets(redis) - packets <= 3


async def input_packets(redis: RedisClient) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_a_bucket_leaves_redis_when_it_would_be_full_again(redis_url: str) -> None:
    async with limiters(redis_url) as (redis, (limiter,)):
        await limiter.take([Check("user", Bucket(rate=10, burst=5))])
        assert 0 < await redis.pttl("user") <= 100
        await eventually(lambda: gone(redis, "user"))


async def gone(redis: RedisClient, key: str) -> bool:
    return not await redis.exists(key)


async def test_a_refusal_writes_nothing(redis_url: str) -> None:
    async with limiters(redis_url) as (redis, (limiter,)):
        await asyncio.gather(*[limiter.take([Check("user", SLOW)]) for _ in range(3)])
        before = (await redis.info("persistence"))["rdb_changes_since_last_save"]
        assert isinstance(await limiter.take([Check("user", SLOW)]), Limited)
        assert (await redis.info("persistence"))["rdb_changes_since_last_save"] == before


async def test_a_redis_that_has_forgotten_the_script_is_taught_it_again(redis_url: str) -> None:
    async with limiters(redis_url) as (redis, (limiter,)):
        assert await limiter.take([Check("user", SLOW)]) == ALLOWED
        await redis.script_flush()
        before = decisions("local")
        verdicts = await asyncio.gather(*[limiter.take([Check("user", SLOW)]) for _ in range(4)])
        assert sum(isinstance(verdict, Allowed) for verdict in verdicts) == 2
        assert decisions("local") == before


async def test_a_key_that_redis_refuses_is_judged_here_and_the_others_there(redis_url: str) -> None:
    async with limiters(redis_url) as (redis, (limiter,)):
        await redis.set("odd", "not a bucket")
        verdicts = [await limiter.take([Check("odd", SLOW), Check("even", Bucket(0.01, 100))]) for _ in range(4)]
        assert [isinstance(verdict, Allowed) for verdict in verdicts] == [True, True, True, False]
        assert float((await redis.hget("even", "tokens")) or 0) == pytest.approx(96, abs=0.1)


async def test_while_redis_is_gone_nobody_waits_and_each_process_limits_by_itself(own_redis: EmbeddedRedis) -> None:
    async with limiters(own_redis.url, count=2) as (_, processes):
        for limiter in processes:
            assert await limiter.take([Check("user", SLOW)]) == ALLOWED
        kill(own_redis)
        for limiter in processes:
            verdicts = [await limiter.take([Check("user", SLOW)]) for _ in range(10)]
            assert sum(isinstance(verdict, Allowed) for verdict in verdicts) == 3


async def test_while_redis_hangs_the_first_finds_it_out_and_no_other_waits(own_redis: EmbeddedRedis) -> None:
    wide = Bucket(1, 1000)
    async with limiters(own_redis.url, answer_seconds=limits.ANSWER_SECONDS) as (_, (limiter,)):
        await limiter.take([Check("user", wide)])
        with paused(own_redis):
            assert await asyncio.wait_for(limiter.take([Check("user", wide)]), 5) == ALLOWED
            # A question to Redis ends by its timer, a judgement here never leaves the loop's tick.
            started = asyncio.get_running_loop().time()
            async with asyncio.timeout(limits.ANSWER_SECONDS * 100):
                for _ in range(200):
                    assert await limiter.take([Check("user", wide)]) == ALLOWED
            assert asyncio.get_running_loop().time() - started < 200 * limits.ANSWER_SECONDS / 2


async def test_questions_that_wait_behind_a_hanging_one_are_answered_with_it(own_redis: EmbeddedRedis) -> None:
    wide = Bucket(1, 1000)
    async with limiters(own_redis.url, answer_seconds=limits.ANSWER_SECONDS) as (_, (limiter,)):
        await limiter.take([Check("user", wide)])
        with paused(own_redis):
            first = asyncio.create_task(limiter.take([Check("user", wide)]))
            await asyncio.sleep(limits.ANSWER_SECONDS / 5)
            behind = asyncio.create_task(limiter.take([Check("user", wide)]))
            assert await first == ALLOWED
            await asyncio.sleep(0)
            assert behind.done()


async def test_once_redis_is_back_it_decides_again_and_no_answer_is_anothers(own_redis: EmbeddedRedis) -> None:
    async with limiters(own_redis.url, answer_seconds=limits.ANSWER_SECONDS) as (redis, (limiter,)):
        await limiter.take([Check("user", SLOW)])
        with paused(own_redis):
            await limiter.take([Check("other", SLOW)])
        kill(own_redis)
        await limiter.take([Check("other", SLOW)])
        await restart(own_redis)

        async def decides() -> bool:
            before = decisions("redis")
            await limiter.take([Check("probe", Bucket(1000, 1000))])
            return decisions("redis") > before

        await eventually(decides, seconds=PROBE_SECONDS + 10)
        await redis.flushall()
        verdicts = await asyncio.gather(*[limiter.take([Check(f"user{n % 2}", SLOW)]) for n in range(10)])
        assert sum(isinstance(verdict, Allowed) for verdict in verdicts) == 6


async def test_one_whose_request_is_cancelled_leaves_the_others_their_answers(redis_url: str) -> None:
    async with limiters(redis_url) as (_, (limiter,)):
        leaver = asyncio.create_task(limiter.take([Check("user", SLOW)]))
        stayer = asyncio.create_task(limiter.take([Check("user", SLOW)]))
        await asyncio.sleep(0)
        leaver.cancel()
        assert await stayer == ALLOWED
        assert await limiter.take([Check("user", SLOW)]) == ALLOWED


async def test_the_clock_of_redis_going_back_stops_nobody_for_longer_than_a_full_bucket_takes(redis_url: str) -> None:
    quick = Bucket(rate=50, burst=2)
    async with limiters(redis_url) as (redis, (limiter,)):
        later = time.time() * 1000 + 3_600_000
        await redis.hset("user", mapping={"tokens": "0", "at": f"{later:.3f}"})
        await redis.pexpire("user", 40)
        assert isinstance(await limiter.take([Check("user", quick)]), Limited)
        await eventually(lambda: gone(redis, "user"))
        assert await limiter.take([Check("user", quick)]) == ALLOWED


async def test_in_a_cluster_each_bucket_is_found_on_its_node(tmp_path: Path) -> None:
    async with redis_cluster(redis_binary(), tmp_path) as cluster, limiters(cluster.url) as (_, (limiter,)):

        async def decides() -> bool:  # a cluster that has just formed refuses some for a moment
            before = decisions("redis")
            await limiter.take([Check(f"warm {number}", SLOW) for number in range(20)])
            return decisions("redis") > before

        await eventually(decides, seconds=PROBE_SECONDS + 10)
        for turn in range(4):
            verdict = await limiter.take([Check(f"user {number}", SLOW) for number in range(20)])
            assert isinstance(verdict, Limited if turn == 3 else Allowed)
