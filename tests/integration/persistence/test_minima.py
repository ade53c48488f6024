"""Receipts of more than fifty people: nobody is named, and what is told does not grow with how many read."""

from collections.abc import AsyncIterator

import pytest

from persistence.database.pool import Pool
from persistence.receipts import cursors
from persistence.receipts.minima import EVERY_MS, Minima
from shared import keys
from shared.streams import Cursor
from shared.wire import NOBODY, Kind
from tests.integration.persistence.parts import Ear, Parts, listening, parts
from tests.integration.persistence.talk import conversation, people, say
from tests.support.waiting import eventually

CROWD = 60


@pytest.fixture
async def process(pool: Pool, redis_url: str) -> AsyncIterator[Parts]:
    async with parts(pool, redis_url) as process, process.running("publisher"):
        yield process


async def crowd(pool: Pool) -> tuple[list[str], str]:
    everyone = await people(pool, CROWD)
    room = await conversation(pool, *everyone)
    await say(pool, room, everyone[0], 10)
    return everyone, room


async def move(process: Parts, *said: Cursor) -> None:
    process.announcer.tell(await cursors.advance(process.pool, said))


async def may_tell_again(process: Parts, room: str) -> None:
    """As if the two seconds were over."""
    assert 0 < await process.redis.pttl(keys.minima(room)) <= EVERY_MS
    await process.redis.delete(keys.minima(room))


async def nothing_waits(process: Parts) -> None:
    await eventually(lambda: not process.publisher.waiting_bytes)


def told(ear: Ear) -> list[tuple[int, int]]:
    frames = ear.frames(Kind.RECEIPT)
    assert all(frame["type"] == "receipts.all" and "senderId" not in frame for frame in frames)
    return [(frame["deliveredUpTo"], frame["readUpTo"]) for frame in frames]


async def test_a_crowd_hears_how_far_everybody_has_come_and_of_nobody(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    everyone, room = await crowd(pool)
    async with listening(redis_url, keys.room(room)) as ear:
        await move(process, *(Cursor(room, user, delivered=8, read=5) for user in everyone[1:]))
        for _ in range(3):
            await process.minima.tell()
        await eventually(lambda: told(ear) == [(8, 5)])
        [envelope] = ear.of(Kind.RECEIPT)
    assert (envelope.sender, envelope.seq) == (NOBODY, 13)


async def test_what_moves_no_minimum_is_told_to_nobody(process: Parts, pool: Pool, redis_url: str) -> None:
    everyone, room = await crowd(pool)
    async with listening(redis_url, keys.room(room)) as ear:
        await move(process, *(Cursor(room, user, read=5) for user in everyone[1:]))
        await process.minima.tell()
        await may_tell_again(process, room)
        await move(process, *(Cursor(room, user, read=9) for user in everyone[2:]))  # the last one lags behind
        await process.minima.tell()
        await may_tell_again(process, room)
        await move(process, Cursor(room, everyone[1], read=7))
        await process.minima.tell()
        await eventually(lambda: told(ear) == [(5, 5), (7, 7)])


async def test_all_processes_together_tell_of_a_crowd_once_in_two_seconds(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    everyone, room = await crowd(pool)
    other = Minima(pool, process.redis, process.delivery)
    async with listening(redis_url, keys.room(room)) as ear:
        for seq in range(1, 6):
            await move(process, *(Cursor(room, user, read=seq) for user in everyone[1:]))
            other.moved(room)
            await process.minima.tell()
            await other.tell()
        await nothing_waits(process)
        assert told(ear) == [(1, 1)]
        await may_tell_again(process, room)
        await other.tell()
        await eventually(lambda: told(ear) == [(1, 1), (5, 5)])


async def test_a_readers_own_devices_hear_of_their_reading(process: Parts, pool: Pool, redis_url: str) -> None:
    everyone, room = await crowd(pool)
    async with listening(redis_url, keys.user(everyone[1]), keys.user(everyone[0])) as ear:
        await move(process, Cursor(room, everyone[1], delivered=9, read=4))
        await eventually(lambda: len(ear.of(Kind.RECEIPT)) == 1)
    [frame] = ear.frames(Kind.RECEIPT)
    assert (frame["type"], frame["seq"], frame["senderId"]) == ("message.read", 4, everyone[1])


async def test_a_group_of_fifty_still_names_each_reader(process: Parts, pool: Pool, redis_url: str) -> None:
    everyone = await people(pool, 50)
    room = await conversation(pool, *everyone)
    await say(pool, room, everyone[0], 1)
    async with listening(redis_url, keys.room(room)) as ear:
        await move(process, *(Cursor(room, user, read=1) for user in everyone[1:]))
        await process.minima.tell()
        await eventually(lambda: len(ear.of(Kind.RECEIPT)) == 49)
    assert {frame["senderId"] for frame in ear.frames(Kind.RECEIPT)} == set(everyone[1:])


async def test_what_redis_did_not_take_is_told_later(process: Parts, pool: Pool, redis_url: str) -> None:
    everyone, room = await crowd(pool)
    await move(process, *(Cursor(room, user, read=5) for user in everyone[1:]))
    async with listening(redis_url, keys.room(room)) as ear:
        process.publisher._most_bytes = 0  # it refuses whatever is offered, as it does while Redis is away for long
        await process.minima.tell()
        process.publisher._most_bytes = 1000
        await may_tell_again(process, room)
        await process.minima.tell()
        await eventually(lambda: told(ear) == [(5, 5)])
