"""The script that takes tokens in Redis: from many buckets in one call, where one node holds them all."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from redis.exceptions import NoScriptError, ResponseError

from shared.limits.price import Check, at_once
from shared.redis_batches import Batches, Command

_SOURCE = Path(__file__).with_name("token_bucket.lua").read_text()
_DIGEST = hashlib.sha1(_SOURCE.encode(), usedforsecurity=False).hexdigest()

Question = Sequence[Check]
"""Checks that are allowed together, or not at all."""


async def take_all(redis: Batches, questions: Sequence[Question]) -> list[float | None]:
    """For each check of all questions the seconds to wait, 0 where there was enough; None where Redis refused this one.

    Raises what redis-py does while Redis is away. In a cluster each check is a question by itself: where one of a
    question's buckets has too few, the others have given theirs.
    """
    # In a cluster a call finds its node by its keys, so it has one.
    calls = [[[check]] for question in questions for check in question] if redis.over_nodes else [questions]
    answers = await redis.send([_command(redis, "EVALSHA", _DIGEST, call) for call in calls])
    unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        # A node that was restarted has forgotten the script; EVAL runs it and makes that node know it again.
        again = await redis.send([_command(redis, "EVAL", _SOURCE, calls[index]) for index in unknown])
        for index, answer in zip(unknown, again, strict=True):
            answers[index] = answer
    return [wait for call, answer in zip(calls, answers, strict=True) for wait in _waits(answer, sum(map(len, call)))]


def _command(redis: Batches, name: str, script: str, questions: Sequence[Question]) -> Command:
    checks = [check for question in questions for check in question]
    numbers = [
        number
        for question in questions
        for index, check in enumerate(question, 1)
        for number in _numbers(check, is_last=index == len(question))
    ]
    return (name, script, len(checks), *[redis.named(check.key) for check in checks], *numbers)


def _numbers(check: Check, *, is_last: bool) -> tuple[float, float, float, float, int]:
    return (check.bucket.rate, check.bucket.burst, at_once(check.cost, check.bucket), check.cost, int(is_last))


def _waits(answer: object, count: int) -> list[float | None]:
    if isinstance(answer, list):
        return [None if wait < 0 else wait / 1000 for wait in answer]
    if isinstance(answer, ResponseError):  # this node refuses all of them
        return [None] * count
    if isinstance(answer, Exception):
        raise answer
    raise TypeError(f"the script answered {type(answer).__name__}")
