"""The script that takes tokens in Redis: from many buckets in one call, where one node holds them all."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from redis.exceptions import NoScriptError, ResponseError

from shared.redis_batches import Batches, Command
from shared.setting_forms import Bucket

_SOURCE = Path(__file__).with_name("token_bucket.lua").read_text()
_DIGEST = hashlib.sha1(_SOURCE.encode(), usedforsecurity=False).hexdigest()

Check = tuple[str, Bucket]
"""A key, as shared/keys.py names it, and the bucket that stands under it."""


async def take_all(redis: Batches, checks: Sequence[Check]) -> list[float | None]:
    """For each check the seconds to wait, 0 where a token was taken; None where Redis refused this one.

    Raises what redis-py does while Redis is away.
    """
    # In a cluster a call finds its node by its keys, so it has one.
    calls = [[check] for check in checks] if redis.over_nodes else [checks]
    answers = await redis.send([_command(redis, "EVALSHA", _DIGEST, call) for call in calls])
    unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        # A node that was restarted has forgotten the script; EVAL runs it and makes that node know it again.
        again = await redis.send([_command(redis, "EVAL", _SOURCE, calls[index]) for index in unknown])
        for index, answer in zip(unknown, again, strict=True):
            answers[index] = answer
    return [wait for call, answer in zip(calls, answers, strict=True) for wait in _waits(answer, len(call))]


def _command(redis: Batches, name: str, script: str, checks: Sequence[Check]) -> Command:
    sizes = [number for _, bucket in checks for number in (bucket.rate, bucket.burst)]
    return (name, script, len(checks), *[redis.named(key) for key, _ in checks], *sizes)


def _waits(answer: object, count: int) -> list[float | None]:
    if isinstance(answer, list):
        return [None if wait < 0 else wait / 1000 for wait in answer]
    if isinstance(answer, ResponseError):  # this node refuses all of them
        return [None] * count
    if isinstance(answer, Exception):
        raise answer
    raise TypeError(f"the script answered {type(answer).__name__}")
