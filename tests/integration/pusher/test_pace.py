"""Expo's limit holds over all pushers: no second has more than 600 notifications."""

import asyncio
from itertools import pairwise
from random import Random

import pytest

from pusher.pace import LIMIT, WINDOW_SECONDS, ExpoPace
from shared.redis import open_redis
from tests.system.push.verdict import busiest_second


async def moments(redis_url: str, counts: list[int], *, paces: int = 2) -> list[tuple[float, int]]:
    """When each of these calls may go out, in the order in which they asked."""
    redis = open_redis(redis_url)
    pushers = [ExpoPace(redis) for _ in range(paces)]
    loop = asyncio.get_running_loop()
    found = []
    for number, count in enumerate(counts):
        asked = loop.time()
        found.append((asked + await pushers[number % paces].reserve(count), count))
    await redis.aclose()
    return found


def busiest(found: list[tuple[float, int]]) -> int:
    return busiest_second([at for at, count in found for _ in range(count)])


async def test_full_calls_go_out_at_more_than_500_and_at_most_600_a_second(redis_url: str) -> None:
    found = await moments(redis_url, [100] * 60)

    assert busiest(found) <= 600
    seconds = found[-1][0] - found[0][0]
    assert 500 < 5900 / seconds <= 600


async def test_calls_of_any_size_keep_the_limit(redis_url: str) -> None:
    random = Random(1)
    found = await moments(redis_url, [random.choice([1, 7, 50, 99, 100]) for _ in range(150)])

    assert busiest(found) <= 600


async def test_a_single_notification_does_not_wait(redis_url: str) -> None:
    found = await moments(redis_url, [1] * 50)

    assert found[-1][0] - found[0][0] < WINDOW_SECONDS, "nobody waits below the limit"


async def test_moments_are_given_in_the_order_of_asking(redis_url: str) -> None:
    found = await moments(redis_url, [100, 100, 100, 1, 100, 1])
    slack = 0.002  # milliseconds, and a round trip

    assert all(later[0] >= earlier[0] - slack for earlier, later in pairwise(found))


@pytest.mark.parametrize("count", [LIMIT, 1])
async def test_after_a_pause_nothing_of_what_went_before_counts(redis_url: str, count: int) -> None:
    await moments(redis_url, [LIMIT])
    await asyncio.sleep(WINDOW_SECONDS + 0.05)

    [(at, _)] = await moments(redis_url, [count])

    assert at <= asyncio.get_running_loop().time()
