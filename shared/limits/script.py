"""The one script that takes a token in Redis, called many times in one round trip."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from redis.exceptions import NoScriptError, ResponseError

from shared.redis_batches import Batches
from shared.settings import Bucket

_SOURCE = Path(__file__).with_name("token_bucket.lua").read_text()
_DIGEST = hashlib.sha1(_SOURCE.encode(), usedforsecurity=False).hexdigest()

Check = tuple[str, Bucket]
"""A key, and the bucket that stands under it."""


async def take_all(redis: Batches, checks: Sequence[Check]) -> list[float | None]:
    """For each check the seconds to wait, 0 where a token was taken; None where Redis refused this one.

    Each call of the script names one key, so that a Redis Cluster finds its node. Raises what redis-py does while
    Redis is away.
    """
    answers = await _run(redis, "EVALSHA", _DIGEST, checks)
    unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        # A node that was restarted has forgotten the script; EVAL runs it and makes that node know it again.
        again = await _run(redis, "EVAL", _SOURCE, [checks[index] for index in unknown])
        for index, answer in zip(unknown, again, strict=True):
            answers[index] = answer
    return [_seconds(answer) for answer in answers]


async def _run(redis: Batches, command: str, script: str, checks: Sequence[Check]) -> list[object]:
    return await redis.send([(command, script, 1, key, bucket.rate, bucket.burst) for key, bucket in checks])


def _seconds(answer: object) -> float | None:
    if isinstance(answer, int):
        return answer / 1000
    if isinstance(answer, ResponseError):  # out of memory, read-only, a key of another type
        return None
    if isinstance(answer, Exception):
        raise answer
    raise TypeError(f"the script answered {type(answer).__name__}")
