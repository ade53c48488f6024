"""Waits until a deployment has come to rest, and takes down what is true then."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from services.verify import truth
from services.verify.checks.lists import the_list_is_right
from services.verify.checks.receipts import reports_are_stored
from services.verify.client import Device
from services.verify.history import DeviceHistory, Truth
from services.verify.rest import Rest

POLL_SECONDS = 0.1
NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
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
    hideable: Mapping[str, Sequence[str]] = NONE,
) -> Truth:
    """The truth once every device is up to date, or when that took too long: the checker says what is missing.

    `devices` are those that are switched on, `rests` ask for each user; nobody hides a `hideable` any more.
    """
    known = await truth.gather(rests, conversations, hideable)
    await _until(lambda: all(_holds_all(device, known) for device in devices), seconds)
    deadline = time.monotonic() + whole_seconds
    await _until(lambda: all(_is_whole(device, known) for device in devices), whole_seconds)
    histories = [device.history for device in devices]
    known = await truth.gather(rests, conversations, hideable)
    while any(_unsettled(histories, known)) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        known = await truth.gather(rests, conversations, hideable)
    return known


def _unsettled(histories: Sequence[DeviceHistory], known: Truth) -> Iterator[str]:
    yield from reports_are_stored(histories, known)
    yield from the_list_is_right(histories, known)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Returns when it holds, or after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(POLL_SECONDS)


def _holds_all(device: Device, known: Truth) -> bool:
    return all(device.cursor(conversation) >= last for conversation, last in _owed(device, known))


def _is_whole(device: Device, known: Truth) -> bool:
    return all(device.reached(conversation) >= last for conversation, last in _owed(device, known))


def _owed(device: Device, known: Truth) -> Iterable[tuple[str, int]]:
    return known.ends(device.history.user_id).items()
