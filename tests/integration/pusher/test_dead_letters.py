"""The dead letters in the hands of an operator."""

import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from typing import Any

from shared import keys
from tests.integration.pusher.world import PushWorld
from tests.support.fleet import ROOT

RAW = b'{"conversationId":"damaged"'


async def command(push: PushWorld, *arguments: str, status: int = 0) -> str:
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services", "deadletters", *arguments),
        cwd=ROOT,
        env={"REDIS_URL": push.parley.redis_url},
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == status, errors
    return (output or errors).decode()


async def two_letters(push: PushWorld) -> list[str]:
    redis: Any = push.parley.rest.parts.redis
    ids = [await redis.xadd(keys.DEAD_LETTERS, {"message": RAW, "reason": "damaged"}) for _ in range(2)]
    return [one.decode() for one in ids]


async def test_they_are_listed_retried_and_dropped_by_their_ids(push: PushWorld) -> None:
    redis: Any = push.parley.rest.parts.redis
    first, second = await two_letters(push)

    listed = await command(push, "list")
    assert first in listed
    assert "damaged" in listed
    assert await command(push, "retry", first) == "put back 1\n"
    assert await command(push, "drop", second) == "dropped 1\n"

    assert await command(push, "list") == "no dead letters\n"
    [(_, entry)] = await redis.xrange(keys.UNDELIVERED)
    assert entry == {b"message": RAW}, "one came back, as it was"


async def test_all_of_them_go_at_once(push: PushWorld) -> None:
    await two_letters(push)

    assert await command(push, "retry", "--all") == "put back 2\n"
    assert await push.waiting() == 2


async def test_a_mistake_is_one_line_and_changes_nothing(push: PushWorld) -> None:
    await two_letters(push)

    assert "takes letters' ids, or --all" in await command(push, "drop", status=2)
    assert "is no letter's id" in await command(push, "drop", "seven", status=2)
    assert await command(push, "drop", "1-1", status=1) == "dropped 0\n"
    assert await push.parley.rest.parts.redis.xlen(keys.DEAD_LETTERS) == 2
