"""Calls to Expo: look once more, claim, send, write down. Each call for itself, so that none waits for another."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import structlog

from pusher.answers import Answered, Group, Left, answered_of, judged, keys_of, writable
from pusher.halts import Halts
from pusher.metrics import PUSH_SECONDS, PUSHES
from pusher.outcomes import Late, Outcome, Rejected, Sent, Stopped
from pusher.pace import Lead, Slot
from pusher.persistence_client import PersistenceAway, PersistenceClient
from pusher.planning import Key, Push, decide_all, let_go_of, refreshed
from pusher.policy import Now
from pusher.records import claim_of, outcomes_of
from pusher.refusals import report
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
"""Longer than a call may be prepared and Expo may take to answer: an older lease belongs to a worker that died."""
TRIES = 3
WRITING_SECONDS = 60.0


class Sender(Protocol):
    """Expo, or its stand-in on a developer's machine. `send` takes at most CALL_SIZE and answers in order."""

    async def send(self, notifications: Sequence[Notification], slot: Slot) -> list[Outcome]: ...


class Pace(Protocol):
    """Expo's limit for a project, shared by all pushers: reserves the next slot for so many more."""

    async def reserve(self, count: int, lead_seconds: float) -> Slot: ...


class Calls:
    """Stateless but for `stopped`. `make` raises PersistenceAway, PersistenceRefused and REDIS_FAILURES."""

    def __init__(
        self,
        persistence: PersistenceClient,
        sender: Sender,
        pace: Pace,
        halts: Halts,
        checkpoints: Checkpoints,
        *,
        default_preview: str = "full",
    ) -> None:
        self._persistence = persistence
        self._sender = sender
        self._pace = pace
        self._halts = halts
        self._checkpoints = checkpoints
        self._default_preview = default_preview
        self._at_once = asyncio.Semaphore(CALLS_AT_ONCE)
        self._lead = Lead()
        self.stopped: str | None = None
        """Expo's word on our credentials, while nothing goes out because of it."""

    async def make(self, pushes: Sequence[Push]) -> Left:
        """Makes these pushes as far as they are still wanted."""
        calls = [Group(pushes[start : start + CALL_SIZE]) for start in range(0, len(pushes), CALL_SIZE)]
        left = Left()
        while calls:
            # All are awaited before any failure is raised: a call that nobody awaits could not be written down.
            ended = await asyncio.gather(*(self._call(call) for call in calls), return_exceptions=True)
            calls = []
            for one in ended:
                if isinstance(one, BaseException):
                    raise one
                calls += one.apart
                left |= one.left
        return left

    async def _call(self, group: Group) -> Answered:
        """One call, and again for what Expo did not take, while the wait is short."""
        waiting, left, tries = list(group.pushes), Left(), 0
        apart: list[Group] = []
        async with self._at_once:
            while waiting and tries < TRIES:
                slot = await self._near_slot(len(waiting))
                answered = await _to_its_end(self._attempt(waiting, slot, foreign=group.foreign))
                left |= answered.left
                apart += answered.apart
                waiting = answered.again
                tries += not answered.late
                if waiting and tries < TRIES:
                    await asyncio.sleep(answered.pause_seconds)
        return Answered([], 0.0, apart, left | Left(keys_of(waiting)))

    async def _near_slot(self, count: int) -> Slot:
        """A slot that opens as soon as a call can be prepared. Who is held up and misses one takes another."""
        while True:
            lead = self._lead.seconds
            slot = await self._pace.reserve(count, lead)
            if not slot.is_over:
                await slot.draw_near(lead)
            if not slot.is_over:
                return slot
            self._lead.was_too_short()

    async def _attempt(self, pushes: Sequence[Push], slot: Slot, *, foreign: bool) -> Answered:
        begun = time.monotonic()
        wanted, decisions = await self._still_wanted(pushes)
        let_go = let_go_of(wanted, await self._halts.probing({push.platform for push in wanted}))
        granted, busy = await self._claim(let_go.pushes)
        notifications = [render(push, default_preview=self._default_preview) for push in granted]
        self._lead.took(time.monotonic() - begun)
        said = judged(await self._sender.send(notifications, slot) if notifications else [], foreign=foreign)
        await self._checkpoints.reach(EXPO_ANSWERED)
        answered = list(zip(granted, said, strict=True))
        await self._write_down(answered, decisions, claimed_at=begun)
        await self._remember_probes(answered, let_go.probes)
        self._note(said)
        _count(answered)
        return answered_of(answered, busy, let_go.held)

    async def _still_wanted(self, pushes: Sequence[Push]) -> tuple[list[Push], list[push_api.Decision]]:
        """The last look, right before the call: somebody may have read it meanwhile, or left."""
        asked = _addressees(pushes)
        decided = decide_all(asked, await self._persistence.targets(asked), Now(now_ms()))
        fresh = [refreshed(push, decided.wanted) for push in pushes]
        return [push for push in fresh if push is not None], decided.decisions

    async def _remember_probes(self, answered: Sequence[tuple[Push, Outcome]], probes: set[str]) -> None:
        for push, said in answered:
            if push.platform in probes and isinstance(said, Sent):
                await self._halts.remember(push.platform, said.ticket_id)

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

    async def _write_down(
        self, answered: Sequence[tuple[Push, Outcome]], decisions: list[push_api.Decision], *, claimed_at: float
    ) -> None:
        """Patiently: what Expo took and nobody wrote down would be told twice."""
        deadline = time.monotonic() + WRITING_SECONDS
        while True:
            ours = writable(answered, leased=time.monotonic() < claimed_at + LEASE_SECONDS)
            outcomes = [line for push, said in ours for line in outcomes_of(push, said)]
            if not outcomes and not decisions:
                return None
            try:
                return await self._persistence.settle(outcomes, decisions)
            except PersistenceAway:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    def _note(self, said: Sequence[Outcome]) -> None:
        """What the next call should know: how long to prepare, and whether Expo takes our credentials."""
        if any(isinstance(one, Late) for one in said):
            self._lead.was_too_short()
            return
        report([one.reason for one in said if isinstance(one, Rejected)])
        refusals = [one.reason for one in said if isinstance(one, Stopped)]
        if refusals and self.stopped is None:
            log.error("expo refuses our credentials: pushes wait", reason=refusals[0])
        if said:
            self.stopped = refusals[0] if refusals else None


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Awaits it also where we are cancelled meanwhile: a pusher that stops writes down what Expo answers."""
    task = asyncio.get_running_loop().create_task(work, name="expo_call")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


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
