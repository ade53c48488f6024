"""Waits until a deployment has come to rest, and takes down what is true then."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from services.verify import truth
from services.verify.checks.receipts import reports_are_stored
from services.verify.client import Device
from services.verify.history import Truth
from services.verify.rest import Rest

POLL_SECONDS = 0.1
WHOLE_SECONDS = 15.0
"""How long what a connection is owed, and receipts, may take longer than the devices' own syncs.

Far less than the minute after which a gateway compares all its rooms: what only that would heal was lost.
"""


async def settle(
    devices: Sequence[Device],
    rests: Mapping[str, Rest],
    conversations: Mapping[str, Sequence[str]],
    *,
    seconds: float,
    whole_seconds: float = WHOLE_SECONDS,
) -> Truth:
    """The truth once every device is up to date, or when that took too long: the checker says what is missing.

    `devices` are those that are switched on, `rests` ask for each user.
    """
    known = await truth.gather(rests, conversations)
    await _until(lambda: all(_holds_all(device, known) for device in devices), seconds)
    deadline = time.monotonic() + whole_seconds
    await _until(lambda: all(_is_whole(device, known) for device in devices), whole_seconds)
    histories = [device.history for device in devices]
    known = await truth.gather(rests, conversations)
    while any(reports_are_stored(histories, known)) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        known = await truth.gather(rests, conversations)
    return known


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Returns when it holds, or after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(POLL_SECONDS)


def _holds_all(device: Device, known: Truth) -> bool:
    return all(device.cursor(conversation) >= last for conversation, last in _ends(device, known))


def _is_whole(device: Device, known: Truth) -> bool:
    return all(device.reached(conversation) >= last for conversation, last in _ends(device, known))


def _ends(device: Device, known: Truth) -> list[tuple[str, int]]:
    user = device.history.user_id
    return [(key, len(rows)) for key, rows in known.messages.items() if user in known.members[key]]
