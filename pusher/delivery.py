"""From messages and users to notifications that Expo has: decide, claim, render, send, write down."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from pusher.metrics import DECISIONS, PUSH_SECONDS, PUSHES
from pusher.outcomes import Ambiguous, Outcome, Rejected, Retry, Sent, Stopped
from pusher.persistence_client import PersistenceClient
from pusher.policy import Now, Reason, decide
from pusher.rendering import Notification, render
from shared import push_api
from shared.checkpoints import EXPO_ANSWERED, Checkpoints
from shared.clock import now_ms

log = structlog.get_logger()

CALL_SIZE = 100
"""Notifications in one call to Expo (docs.expo.dev)."""
LEASE_SECONDS = 30.0
"""Longer than a call can take with its waits: an older lease belongs to a worker that died."""
RETRIES = 3
LONGEST_RETRY_SECONDS = 2.0
"""What must wait longer than this goes back to the stream instead of holding up its batch."""

Key = tuple[str, str]
"""(message id, user id)"""


class Sender(Protocol):
    """Expo, or its stand-in on a developer's machine. `send` takes at most CALL_SIZE and answers in order."""

    async def send(self, notifications: Sequence[Notification]) -> list[Outcome]: ...


class Pace(Protocol):
    """Expo's limit for a project, shared by all pushers: waits until one more call may go out."""

    async def wait_for_call(self) -> None: ...


@dataclass(frozen=True)
class Push:
    """A notification that the policy wants for one device."""

    target: push_api.Target
    device: push_api.Device
    notification: Notification

    @property
    def key(self) -> Key:
        return self.target.message_id, self.target.user_id


class Delivery:
    """Stateless but for `stopped`. `push` raises PersistenceAway; call it again with the same users later."""

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
        self.stopped: str | None = None
        """Expo's word on our credentials, while nothing goes out because of it."""

    async def push(self, addressees: Sequence[push_api.Addressee]) -> set[Key]:
        """Tells these users of these messages as far as they should hear of them; gives those left unsettled."""
        pushes, decisions = self._decide(await self._persistence.targets(addressees))
        granted, busy = await self._claim(pushes)
        outcomes = await self._send_all(granted)
        await self._checkpoints.reach(EXPO_ANSWERED)
        await self._persistence.settle([_written(push, said) for push, said in outcomes], decisions)
        _count(outcomes)
        return busy | {push.key for push, said in outcomes if not isinstance(said, Sent | Rejected)}

    def _decide(self, targets: Iterable[push_api.Target]) -> tuple[list[Push], list[push_api.Decision]]:
        pushes: dict[tuple[str, str], Push] = {}
        decisions = []
        now = Now(now_ms())
        for target in targets:
            reason = decide(target, now)
            DECISIONS.labels(reason.value).inc()
            if reason is not Reason.PUSH:
                decisions.append(_decision(target, reason))
                continue
            for device in target.devices:
                notification = render(target, device, default_preview=self._default_preview)
                # Keyed, because two entries may name one user: a claim must not be asked for twice at once.
                pushes[target.message_id, device.id] = Push(target, device, notification)
        return list(pushes.values()), decisions

    async def _claim(self, pushes: Sequence[Push]) -> tuple[list[Push], set[Key]]:
        if not pushes:
            return [], set()
        verdicts = await self._persistence.claim([_claim(push) for push in pushes], LEASE_SECONDS)
        judged = list(zip(pushes, verdicts, strict=True))
        granted = [push for push, verdict in judged if verdict == "granted"]
        return granted, {push.key for push, verdict in judged if verdict == "busy"}

    async def _send_all(self, pushes: Sequence[Push]) -> list[tuple[Push, Outcome]]:
        calls = [pushes[start : start + CALL_SIZE] for start in range(0, len(pushes), CALL_SIZE)]
        answers = await asyncio.gather(*(self._send(call) for call in calls))
        return [pair for answer in answers for pair in answer]

    async def _send(self, pushes: Sequence[Push]) -> list[tuple[Push, Outcome]]:
        """One call, and again for what Expo did not take, while the wait is short."""
        settled: list[tuple[Push, Outcome]] = []
        waiting = list(pushes)
        for attempt in range(1, RETRIES + 1):
            await self._pace.wait_for_call()
            answered = list(zip(waiting, await self._sender.send([one.notification for one in waiting]), strict=True))
            again = [(push, said) for push, said in answered if _soon(said) and attempt < RETRIES]
            repeated = {id(push) for push, _ in again}
            settled += [(push, said) for push, said in answered if id(push) not in repeated]
            waiting = [push for push, _ in again]
            if not waiting:
                break
            await asyncio.sleep(max(said.after_seconds for _, said in again if isinstance(said, Retry)))
        self._note_credentials(settled)
        return settled

    def _note_credentials(self, settled: Sequence[tuple[Push, Outcome]]) -> None:
        refusals = [said.reason for _, said in settled if isinstance(said, Stopped)]
        if refusals and self.stopped is None:
            log.error("expo refuses our credentials: pushes wait", reason=refusals[0])
        self.stopped = refusals[0] if refusals else None


def _soon(said: Outcome) -> bool:
    return isinstance(said, Retry) and said.after_seconds <= LONGEST_RETRY_SECONDS


def _claim(push: Push) -> push_api.Claim:
    return push_api.Claim(
        conversation_id=push.target.conversation_id,
        message_id=push.target.message_id,
        seq=push.target.seq,
        user_id=push.target.user_id,
        device_id=push.device.id,
        registered_at_us=push.device.registered_at_us,
    )


def _decision(target: push_api.Target, reason: Reason) -> push_api.Decision:
    return push_api.Decision(
        conversation_id=target.conversation_id,
        message_id=target.message_id,
        user_id=target.user_id,
        reason=reason.value,
    )


def _written(push: Push, said: Outcome) -> push_api.Outcome:
    """The outcome as the ledger keeps it. Expo took nothing of what it stopped: that is tried again."""
    return push_api.Outcome(
        conversation_id=push.target.conversation_id,
        message_id=push.target.message_id,
        device_id=push.device.id,
        user_id=push.target.user_id,
        state=_STATES[type(said)],
        ticket_id=said.ticket_id if isinstance(said, Sent) else None,
        reason=None if isinstance(said, Sent) else said.reason,
        dead_token=isinstance(said, Rejected) and said.dead_token,
    )


_STATES: dict[type[Outcome], str] = {
    Sent: "sent",
    Rejected: "rejected",
    Ambiguous: "ambiguous",
    Retry: "retry",
    Stopped: "retry",
}


def _count(outcomes: Sequence[tuple[Push, Outcome]]) -> None:
    now = now_ms()
    for push, said in outcomes:
        PUSHES.labels(type(said).__name__.lower()).inc()
        if isinstance(said, Sent):
            PUSH_SECONDS.observe(max(0, now - push.target.created_at_ms) / 1000)
