"""Who is there, and whether those who are not hear of what they miss."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from services.verify.history import DeviceHistory, Opened, PresenceSeen, Truth


def presence_tells_the_truth(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """After settling, who is connected is online, and nobody else."""
    for user, expected in truth.expected_online.items():
        if truth.online.get(user) is not expected:
            yield f"{user} is online: {truth.online.get(user)}, should be {expected}"


def presence_is_told(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What an open connection heard last of somebody is how it is; and who left while it was open is told offline.

    Of those who never came there is nothing to tell.
    """
    for device in devices:
        if truth.expected_online.get(device.user_id):
            told = last_told(device)
            for user in _peers(device, truth) & truth.expected_online.keys() - truth.asleep:
                expected = truth.expected_online[user]
                if told.get(user, True) is not expected:
                    yield f"{device.name} was told last that {user} is online: {told.get(user)}, should be {expected}"


def the_silent_are_reached(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Who has no connection is pushed every message; what was pushed twice replaces the first on the screen."""
    for user in truth.asleep:
        collapse_keys: dict[str, set[str]] = defaultdict(set)
        for message, key in truth.pushed.get(user, ()):
            collapse_keys[message].add(key)
        for conversation, rows in truth.messages.items():
            if user in truth.members[conversation]:
                missing = [seq for seq, message, _ in rows if message not in collapse_keys]
                if missing:
                    yield f"{user} was not pushed {len(missing)} of {conversation}, the first is seq {missing[0]}"
        yield from (f"{user} was pushed {one} as two notifications" for one, k in collapse_keys.items() if len(k) > 1)


def last_told(device: DeviceHistory) -> dict[str, bool]:
    """Of each user, what the device's last connection said last; nothing of whom it said nothing."""
    last = max((step.connection for step in device.steps if isinstance(step, Opened)), default=0)
    seen = (step for step in device.steps if isinstance(step, PresenceSeen) and step.connection == last)
    return {step.user_id: step.is_online for step in seen}


def _peers(device: DeviceHistory, truth: Truth) -> set[str]:
    """Who shares a conversation with it."""
    shared = [members for members in truth.members.values() if device.user_id in members]
    return {member for members in shared for member in members} - {device.user_id}
