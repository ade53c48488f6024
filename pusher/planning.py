"""Which devices are to be told what, from the facts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from pusher.policy import Now, Reason, decide
from shared.push_api import Addressee, Decision, Device, Target

Key = tuple[str, str]
"""(message id, user id)"""


UNKNOWN_PLATFORM = "unknown"
"""Of a device that never told its own."""


def key_of(target: Target) -> Key:
    return target.message_id, target.user_id


@dataclass(frozen=True)
class Decided:
    """`wanted` should be pushed, in the order of the conversation; `decisions` say why the others should not."""

    wanted: dict[Key, Target]
    decisions: list[Decision]
    reasons: list[Reason]


@dataclass(frozen=True)
class Push:
    """One notification for one device.

    `messages` are those that this device was not told of, the oldest first: the last is shown, or counted with the
    others. `since` is the ordinal of the first message that the notification stands for: one that it replaces on the
    screen counts too. `several_senders`: those messages are not all of one sender.
    """

    messages: tuple[Target, ...]
    device: Device
    since: int
    several_senders: bool = False

    @property
    def newest(self) -> Target:
        return self.messages[-1]

    @property
    def platform(self) -> str:
        return self.device.platform or UNKNOWN_PLATFORM

    @property
    def keys(self) -> set[Key]:
        return {key_of(message) for message in self.messages}

    @property
    def count(self) -> int:
        """How many messages it stands for that the user has not seen."""
        first, last = min(self.since, self.messages[0].ordinal), max(self.since, self.newest.ordinal)
        return max(1, last - max(self.newest.seen_ordinal, first - 1))


def decide_all(asked: Iterable[Addressee], targets: Iterable[Target], now: Now) -> Decided:
    """Each user and message that was asked for, once. That all devices were told before is not written down again.

    Nor that a message is gone, for nobody can ask for its trace any more; nor that somebody has no device, which the
    trace finds by itself: a row for each of a large group's members would be the sender's to cause.
    """
    targets = list(targets)
    gone = _keys_of(asked).difference(map(key_of, targets))
    decided = Decided({}, [], [decide(None, now) for _ in gone])
    for target in sorted(targets, key=attrgetter("conversation_id", "user_id", "ordinal")):
        reason = decide(target, now)
        decided.reasons.append(reason)
        if reason is Reason.PUSH:
            decided.wanted[key_of(target)] = target
        elif reason not in (Reason.TOLD, Reason.NO_DEVICE):
            decided.decisions.append(_decision(target, reason))
    return decided


def _keys_of(asked: Iterable[Addressee]) -> set[Key]:
    return {(one.message_id, user) for one in asked for user in one.users}


def single(target: Target) -> list[Push]:
    """One message for each device that may be told of it."""
    return [Push((target,), device, target.ordinal) for device in target.devices]


def together(targets: Iterable[Target], since: int, *, several_senders: bool) -> list[Push]:
    """One user's messages of a conversation, as one notification for each device that may be told of any."""
    untold: dict[str, Push] = {}
    for target in sorted(targets, key=attrgetter("ordinal")):
        for device in target.devices:
            before = untold.get(device.id)
            messages = (*before.messages, target) if before else (target,)
            untold[device.id] = Push(messages, device, since, several_senders)
    return list(untold.values())


def refreshed(push: Push, wanted: Mapping[Key, Target]) -> Push | None:
    """The same push by newer facts: without what is not wanted any more; None where nothing is left of it."""
    messages, device = [], push.device
    for old in push.messages:
        target = wanted.get(key_of(old))
        found = [each for each in target.devices if each.id == push.device.id] if target else []
        if target and found:
            messages.append(target)
            device = found[0]
    return replace(push, messages=tuple(messages), device=device) if messages else None


@dataclass(frozen=True)
class LetGo:
    """`held` wait for their platform's credentials, but for one push of each of the platforms `probes`."""

    pushes: list[Push]
    held: list[Push]
    probes: set[str]


def let_go_of(pushes: Iterable[Push], probing: Mapping[str, bool]) -> LetGo:
    """`probing`: halted platform -> whether one of its pushes may go out as a probe."""
    let_go = LetGo([], [], set())
    for push in pushes:
        if push.platform not in probing:
            let_go.pushes.append(push)
        elif probing[push.platform] and push.platform not in let_go.probes:
            let_go.probes.add(push.platform)
            let_go.pushes.append(push)
        else:
            let_go.held.append(push)
    return let_go


def _decision(target: Target, reason: Reason) -> Decision:
    return Decision(
        conversation_id=target.conversation_id,
        message_id=target.message_id,
        user_id=target.user_id,
        reason=reason.value,
        cause=target.cause,
    )
