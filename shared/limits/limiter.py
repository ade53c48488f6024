"""Rate limits of the whole fleet, kept in Redis, which never stop anybody because Redis is away."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from prometheus_client import Counter

from shared.lifecycle import Tasks
from shared.limits.breaker import Breaker
from shared.limits.local import LocalBuckets
from shared.limits.price import Check
from shared.limits.refused import Refused
from shared.limits.script import Question, take_all
from shared.limits.verdict import ALLOWED, Allowed, Limited
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_batches import Batches

DECISIONS = Counter(
    "parley_rate_limit_decisions_total",
    "Requests judged: `local` ones without Redis, `remembered` ones by its last refusal.",
    ["source", "outcome"],
)
_ALLOWED = {source: DECISIONS.labels(source, "allowed") for source in ("redis", "local")}
_LIMITED = {source: DECISIONS.labels(source, "limited") for source in ("redis", "local", "remembered")}

ANSWER_SECONDS = 0.05
"""For one round trip. A request waits for at most two, the one under way and its own: less than 100 ms."""

log = structlog.get_logger()


class _Question(msgspec.Struct):
    checks: Sequence[Check]
    answer: asyncio.Future[Allowed | Limited]


class RateLimiter:
    """Token buckets under keys. Questions of one loop tick, and those that come while an answer is under way, share
    one round trip.

    While Redis is away each process counts for itself: limits are then as many times higher as there are processes.
    """

    def __init__(self, redis: RedisClient, tasks: Tasks, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._redis = Batches(redis, answer_seconds=None)
        self._tasks = tasks
        self._answer_seconds = answer_seconds
        self._local = LocalBuckets()
        self._refused = Refused()
        self._breaker = Breaker()
        self._questions: list[_Question] = []
        self._asking = False

    async def take(self, checks: Sequence[Check]) -> Allowed | Limited:
        """Takes each check's tokens, or none at all, and says how long to wait for the slowest.

        Never raises for Redis, never takes 100 ms. In a Redis Cluster the other buckets have given theirs all the same.
        """
        loop = asyncio.get_running_loop()
        wait = self._refused.wait(checks, loop.time())
        if wait:
            _LIMITED["remembered"].inc()
            return Limited(wait)
        if self._breaker.is_open:
            if self._breaker.should_probe(loop.time()):
                self._tasks.start(self._probe(checks), name="rate_limits")
            return self._judge_here(checks)
        question = _Question(checks, loop.create_future())
        self._questions.append(question)
        if not self._asking:
            self._asking = True
            # It runs in the next tick, when whoever else asks in this one has asked.
            self._tasks.start(self._ask(), name="rate_limits")
        return await question.answer

    async def _ask(self) -> None:
        """Asks Redis all there is to ask, again and again, until no question is left."""
        asked: list[_Question] = []
        try:
            while self._questions:
                asked, self._questions = self._questions, []
                waits = await self._waits([question.checks for question in asked])
                if waits is None:
                    break
                self._answer(asked, waits)
                asked = []
        finally:
            # Whatever ended this, nobody is left waiting. No `await` lies between the last look and this word.
            self._asking = False
            left, self._questions = [*asked, *self._questions], []
            for question in left:
                _reply(question, self._judge_here(question.checks))

    async def _waits(self, questions: Sequence[Question]) -> list[float | None] | None:
        """What Redis says, and None where it does not: then nobody asks it again but a probe."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await take_all(self._redis, questions)
        except REDIS_FAILURES as error:
            ERRORS.labels(self._tasks.service, "rate_limits").inc()
            if not self._breaker.is_open:
                log.warning("rate limits without redis", error=type(error).__name__, reason=str(error))
            self._breaker.open(asyncio.get_running_loop().time())
            return None

    async def _probe(self, checks: Sequence[Check]) -> None:
        if await self._waits([checks]) is not None:
            log.info("rate limits with redis again")
            self._breaker.close()

    def _answer(self, asked: Sequence[_Question], waits: Sequence[float | None]) -> None:
        given = iter(waits)
        now = asyncio.get_running_loop().time()
        for question in asked:
            own = [
                self._local.take(*check[:2], now, check.cost) if (wait := next(given)) is None else wait
                for check in question.checks
            ]
            self._refused.remember(question.checks, own, now)
            _reply(question, _verdict("redis", own))

    def _judge_here(self, checks: Sequence[Check]) -> Allowed | Limited:
        now = asyncio.get_running_loop().time()
        waits = [self._local.wait(check.key, check.bucket, now, check.cost) for check in checks]
        if not any(waits):
            for check in checks:
                self._local.take(check.key, check.bucket, now, check.cost)
        return _verdict("local", waits)


def _verdict(source: str, waits: Sequence[float]) -> Allowed | Limited:
    longest = max(waits, default=0.0)
    if longest > 0:
        _LIMITED[source].inc()
        return Limited(longest)
    _ALLOWED[source].inc()
    return ALLOWED


def _reply(question: _Question, verdict: Allowed | Limited) -> None:
    if not question.answer.done():  # cancelled with its request, or answered already
        question.answer.set_result(verdict)
