"""A flood of pushes: one user writes again and again to a group of 999 phones, and another's pushes are timed."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import asyncpg

from shared.ids import new_id
from tests.support.fake_expo import FakeExpo, fake_expo
from tests.support.fleet import Fleet, fleet
from tests.support.person import Person
from tests.system.abuse.bystander import Seen
from tests.system.push.crowd import Member, gather_crowd

NAME = "a flood of pushes"
PHONES = 999
FLOOD_PER_SECOND = 50
QUIET, DURING = 8, 40
"""Friends of the bystander, each told once: two messages to one friend might be one push."""
PER_SECOND = 4
MOST_SECONDS = 2.0
PATIENCE = 60.0

_GROUP = """
INSERT INTO conversations (id, created_at, updated_at, members, is_group, created_by)
VALUES ($1, now(), now(), $3, true, $2)
"""
_IN_IT = "INSERT INTO participants (conversation_id, user_id, joined_at) SELECT $1, u, now() FROM unnest($2::uuid[]) u"


async def flood_of_pushes(directory: Path, database_url: str, redis_url: str) -> tuple[Seen, Seen]:
    """How long after its request each of the bystander's messages was at Expo: before the flood, and during it."""
    async with (
        fake_expo() as expo,
        fleet(directory, database_url, redis_url, pushers=2, EXPO_PUSH_URL=expo.url) as running,
        aiohttp.ClientSession() as http,
    ):
        connection = await asyncpg.connect(database_url)
        try:
            ada, friends = await _with_crowd(connection, running, http, QUIET + DURING)
            mallory, phones = await _with_crowd(connection, running, http, PHONES)
            group = await _group(connection, mallory, phones)
        finally:
            await connection.close()
        before = await _timed(ada, friends[:QUIET], expo)
        flood = asyncio.create_task(_flood(mallory, group), name="flood of pushes")
        try:
            await asyncio.sleep(1)
            return before, await _timed(ada, friends[QUIET:], expo)
        finally:
            flood.cancel()
            await asyncio.gather(flood, return_exceptions=True)


def judge(before: Seen, during: Seen) -> list[str]:
    late = during.percentile(0.99)
    missed = [f"pushes up to {late:.1f} s late, quiet {before.percentile(0.99):.1f} s"] if late > MOST_SECONDS else []
    return missed + ([f"{during.missing} pushes never came"] if during.missing else [])


async def _with_crowd(
    connection: asyncpg.Connection, running: Fleet, http: aiohttp.ClientSession, count: int
) -> tuple[Person, list[Member]]:
    user_id = new_id()
    person = Person(http, running.processes["persistence-1"].url, running.token(user_id, "somebody"), user_id=user_id)
    return person, await gather_crowd(connection, user_id, count, token=f"{user_id[:8]}-")


async def _group(connection: asyncpg.Connection, owner: Person, phones: Sequence[Member]) -> str:
    group, people = new_id(), [owner.id, *(one.user_id for one in phones)]
    await connection.execute(_GROUP, group, owner.id, len(people))
    await connection.execute(_IN_IT, group, people)
    return group


async def _flood(mallory: Person, group: str) -> None:
    while True:
        await asyncio.gather(mallory.call("POST", f"/api/conversations/{group}/messages", {"text": "Hello all"}))
        await asyncio.sleep(1 / FLOOD_PER_SECOND)


async def _timed(ada: Person, friends: Sequence[Member], expo: FakeExpo) -> Seen:
    told = await asyncio.gather(*(_one(ada, friend, number, expo) for number, friend in enumerate(friends)))
    return Seen([one for one in told if one is not None], sum(one is None for one in told))


async def _one(ada: Person, friend: Member, number: int, expo: FakeExpo) -> float | None:
    await asyncio.sleep(number / PER_SECOND)
    begun = time.time()
    await ada.send(friend.conversation_id, "Are you there?")
    while time.time() - begun < PATIENCE:
        for one in reversed(expo.accepted):
            if one.token == friend.token:
                return one.at - begun
        await asyncio.sleep(0.05)
    return None
