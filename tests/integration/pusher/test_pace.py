"""Expo's limit holds over all pushers: no second has more than 600 notifications."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random
from urllib.parse import urlsplit

import pytest

from pusher.pace import LATE_SECONDS, LEAST_LEAD_SECONDS, LIMIT, LONGEST_LEAD_SECONDS, WINDOW_SECONDS, ExpoPace, Lead
from shared.redis import open_redis
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually
from tests.system.push.verdict import busiest_second


async def moments(redis_url: str, counts: list[int], *, paces: int = 2) -> list[tuple[float, int]]:
    """When each of these calls may go out, in the order in which they asked."""
    redis = open_redis(redis_url)
    pushers = [ExpoPace(redis) for _ in range(paces)]
    slots = [await pushers[number % paces].reserve(count) for number, count in enumerate(counts)]
    await redis.aclose()
    return [(slot.closes_at - LATE_SECONDS, count) for slot, count in zip(slots, counts, strict=True)]


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

    assert at <= time.monotonic()


async def test_a_slot_leaves_the_time_to_prepare(redis_url: str) -> None:
    redis = open_redis(redis_url)
    asked = time.monotonic()

    slot = await ExpoPace(redis).reserve(1, lead_seconds=0.5)

    assert slot.opens_at >= asked + 0.5 - 0.001
    await redis.aclose()


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[FaultProxy]:
    parts = urlsplit(redis_url)
    async with FaultProxy(parts.hostname or "", parts.port or 0) as proxy:
        yield proxy


@pytest.fixture
async def pace(redis_url: str, link: FaultProxy) -> AsyncIterator[ExpoPace]:
    """Over that link."""
    redis = open_redis(redis_url.replace(f":{urlsplit(redis_url).port}", f":{link.port}"))
    yield ExpoPace(redis)
    await redis.aclose()


async def in_time(pace: ExpoPace) -> bool:
    return not (await pace.reserve(1, lead_seconds=0.5)).is_over


async def test_a_slot_whose_answer_was_long_on_its_way_is_over(pace: ExpoPace, link: FaultProxy) -> None:
    """Redis counted from some moment since the question, so nobody may count from the answer alone."""
    await eventually(lambda: in_time(pace))

    link.delay(LATE_SECONDS)

    assert not await in_time(pace)


async def test_a_redis_that_is_always_far_away_is_no_hindrance(pace: ExpoPace, link: FaultProxy) -> None:
    link.delay(2 * LATE_SECONDS)

    await eventually(lambda: in_time(pace), 30)


def test_the_lead_follows_what_preparing_took() -> None:
    lead = Lead()

    lead.took(0.4)
    assert lead.seconds == pytest.approx(0.6), "longer at once"
    lead.took(0.01)
    assert LEAST_LEAD_SECONDS < lead.seconds < 0.6, "shorter by and by"
    for _ in range(10):
        lead.was_too_short()
    assert lead.seconds == LONGEST_LEAD_SECONDS
