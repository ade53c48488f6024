"""Calls to Expo: look once more, claim, send, write down. Each call for itself, so that none waits for another."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import structlog

from pusher.metrics import PUSH_SECONDS, PUSHES
from pusher.outcomes import DeviceBusy, Outcome, Rejected, Retry, Sent, Stopped
from pusher.persistence_client import PersistenceAway, PersistenceClient
from pusher.planning import Key, Push, decide_all, refreshed
from pusher.policy import Now
from pusher.records import claim_of, outcomes_of
from pusher.rendering import Notification, render
from shared import push_api
from shared.checkpoints import EXPO_ANSWERED, Checkpoints
from shared.clock import now_ms

log = structlog.get_logger()
T = TypeVar("T")

CALL_SIZE = 100
"""Notifications in one call to Expo (docs.expo.dev)."""
CALLS_AT_ONCE = 6
"""As Expo's own SDK for Node limits them."""
LEASE_SECONDS = 15.0
"""Longer than Expo may take to answer: an older lease belongs to a worker that died."""
TRIES = 3
LONGEST_PAUSE_SECONDS = 2.0
"""What must wait longer than this goes back to where it came from, instead of holding up its batch."""
WRITING_SECONDS = 60.0
PREPARING_SECONDS = 0.4
"""How long before its moment a call begins with the last look and its claims."""


class Sender(Protocol):
    """Expo, or its stand-in on a developer's machine. `send` takes at most CALL_SIZE and answers in order."""

    async def send(self, notifications: Sequence[Notification]) -> list[Outcome]: ...


class Pace(Protocol):
    """Expo's limit for a project, shared by all pushers: reserves the moment, in seconds from now, for so many more."""

    async def reserve(self, count: int) -> float: ...


@dataclass(frozen=True)
class Left:
    """What calls left undone. `unsettled`: to be tried again. `postponed`: its device had too many of late."""

    unsettled: set[Key] = field(default_factory=set)
    postponed: set[Key] = field(default_factory=set)

    def __or__(self, other: "Left") -> "Left":
        return Left(self.unsettled | other.unsettled, self.postponed | other.postponed)


@dataclass(frozen=True)
class _Answered:
    """What came of one call: what is to be tried again soon, and what it left."""

    again: list[Push]
    pause_seconds: float
    left: Left


class Calls:
    """Stateless but for `stopped`. `make` raises PersistenceAway, PersistenceRefused and REDIS_FAILURES."""

    def __init__(
        self,
        persistence: PersistenceClient,
        sender: Sender,
        pace: Pace,
        checkpoints: Checkpoints,
        *,
        default_preview: str = "full",
    ) -> None:
        self._persistence = persistence
        self._sender = sender
        self._pace = pace
        self._checkpoints = checkpoints
        self._default_preview = default_preview
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self.stopped: str | None = None
        """Expo's word on our credentials, while nothing goes out because of it."""

    async def make(self, pushes: Sequence[Push]) -> Left:
        """Makes these pushes as far as they are still wanted."""
        calls = [pushes[start : start + CALL_SIZE] for start in range(0, len(pushes), CALL_SIZE)]
        # All are awaited before any failure is raised: a call that nobody awaits could not be written down.
        ended = await asyncio.gather(*(self._call(call) for call in calls), return_exceptions=True)
        left = Left()
        for one in ended:
            if isinstance(one, BaseException):
                raise one
            left |= one
        return left

    async def _call(self, pushes: Sequence[Push]) -> Left:
        """One call, and again for what Expo did not take, while the wait is short."""
        waiting, left = list(pushes), Left()
        async with self._slots:
            for attempt in range(TRIES):
                wait = await self._pace.reserve(len(waiting))
                moment = _now() + wait
                await asyncio.sleep(max(0.0, moment - _now() - PREPARING_SECONDS))
                answered = await _to_its_end(self._attempt(waiting, moment))
                left |= answered.left
                waiting = answered.again
                if not waiting:
                    return left
                if attempt < TRIES - 1:
                    await asyncio.sleep(answered.pause_seconds)
        return left | Left(_keys(waiting))

    async def _attempt(self, pushes: Sequence[Push], moment: float) -> _Answered:
        wanted, decisions = await self._still_wanted(pushes)
        granted, busy = await self._claim(wanted)
        notifications = [render(push, default_preview=self._default_preview) for push in granted]
        await asyncio.sleep(max(0.0, moment - _now()))
        said = await self._sender.send(notifications) if notifications else []
        await self._checkpoints.reach(EXPO_ANSWERED)
        answered = list(zip(granted, said, strict=True))
        await self._write_down([line for pair in answered for line in outcomes_of(*pair)], decisions)
        self._note_credentials(said)
        _count(answered)
        return _answered(answered, busy)

    async def _still_wanted(self, pushes: Sequence[Push]) -> tuple[list[Push], list[push_api.Decision]]:
        """The last look, right before the call: somebody may have read it meanwhile, or left."""
        decided = decide_all(await self._persistence.targets(_addressees(pushes)), Now(now_ms()))
        fresh = [refreshed(push, decided.wanted) for push in pushes]
        return [push for push in fresh if push is not None], decided.decisions

    async def _claim(self, pushes: Sequence[Push]) -> tuple[list[Push], set[Key]]:
        """The pushes with the messages that are ours to tell, and those that another worker is at."""
        claims = [claim_of(push, message) for push in pushes for message in push.messages]
        if not claims:
            return [], set()
        verdicts = iter(await self._persistence.claim(claims, LEASE_SECONDS))
        granted, busy = [], set[Key]()
        for push in pushes:
            judged = [(message, next(verdicts)) for message in push.messages]
            busy |= {(message.message_id, message.user_id) for message, verdict in judged if verdict == "busy"}
            ours = tuple(message for message, verdict in judged if verdict == "granted")
            if ours:
                granted.append(replace(push, messages=ours))
        return granted, busy

    async def _write_down(self, outcomes: list[push_api.Outcome], decisions: list[push_api.Decision]) -> None:
        """Patiently: what Expo took and nobody wrote down would be told twice."""
        deadline = _now() + WRITING_SECONDS
        while outcomes or decisions:
            try:
                return await self._persistence.settle(outcomes, decisions)
            except PersistenceAway:
                if _now() > deadline:
                    raise
                await asyncio.sleep(0.5)
        return None

    def _note_credentials(self, said: Sequence[Outcome]) -> None:
        refusals = [one.reason for one in said if isinstance(one, Stopped)]
        if refusals and self.stopped is None:
            log.error("expo refuses our credentials: pushes wait", reason=refusals[0])
        if said:
            self.stopped = refusals[0] if refusals else None


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Awaits it also where we are cancelled meanwhile: a pusher that stops writes down what Expo answers."""
    task = asyncio.get_running_loop().create_task(work, name="expo_call")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def _answered(answered: Sequence[tuple[Push, Outcome]], busy: set[Key]) -> _Answered:
    again = [(push, said) for push, said in answered if isinstance(said, Retry) and _soon(said)]
    pause = max((said.after_seconds for _, said in again), default=0.0)
    postponed = _keys(push for push, said in answered if isinstance(said, DeviceBusy))
    done = (Sent, Rejected, DeviceBusy)
    open_pushes = (push for push, said in answered if not isinstance(said, done) and not _soon(said))
    return _Answered([push for push, _ in again], pause, Left(busy | _keys(open_pushes), postponed))


def _soon(said: Outcome) -> bool:
    return isinstance(said, Retry) and said.after_seconds <= LONGEST_PAUSE_SECONDS


def _keys(pushes: Iterable[Push]) -> set[Key]:
    return {key for push in pushes for key in push.keys}


def _addressees(pushes: Iterable[Push]) -> list[push_api.Addressee]:
    """Each user and message once, though several devices wait for it."""
    asked = {(message.message_id, message.user_id): message for push in pushes for message in push.messages}
    return [push_api.Addressee(one.conversation_id, one.message_id, [one.user_id], one.cause) for one in asked.values()]


def _count(answered: Sequence[tuple[Push, Outcome]]) -> None:
    now = now_ms()
    for push, said in answered:
        PUSHES.labels(type(said).__name__.lower()).inc()
        if isinstance(said, Sent):
            PUSH_SECONDS.observe(max(0, now - push.newest.created_at_ms) / 1000)
