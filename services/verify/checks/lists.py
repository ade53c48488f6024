"""The list of conversations: each device shows what the server lists, by what its connection told it alone."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TypeGuard

from services.verify.history import DeviceHistory, Event, Left, Opened, Step, Told, Truth


class Shown(Enum):
    """A message in what is hidden brings it back, or was sent before and comes late: the device asks."""

    NO = 0
    YES = 1
    PERHAPS = 2


def the_list_is_right(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """An open connection was told of every conversation that is listed, and that each hidden one is left."""
    for device, connection, listed in _listening(devices, truth):
        shown = _shown(device, connection)
        for conversation in _conversations(device, truth):
            is_listed, is_shown = conversation in listed, shown.get(conversation, Shown.NO)
            if is_listed and is_shown is Shown.NO:
                yield f"{device.name}: connection {connection} does not show {conversation}, which is listed"
            if is_shown is Shown.YES and not is_listed:
                yield f"{device.name}: connection {connection} still shows {conversation}, which is hidden"


def what_comes_back_brings_its_message(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Of what was hidden and is listed again, the device holds the newest message that the list shows."""
    for device, _, listed in _listening(devices, truth):
        for conversation in truth.hideable:
            newest = listed.get(conversation)
            if newest is not None:
                seq, message = newest
                if device.held.get(conversation, {}).get(seq) != message:
                    yield f"{device.name} lacks {message}, the newest of {conversation}, seq {seq}"


def _listening(
    devices: Sequence[DeviceHistory], truth: Truth
) -> Iterator[tuple[DeviceHistory, int, dict[str, tuple[int, str] | None]]]:
    """Those that are connected, and whose user's list is known."""
    for device in devices:
        connection, listed = device.open_connection, truth.listed.get(device.user_id)
        if connection is not None and listed is not None:
            yield device, connection, listed


def _shown(device: DeviceHistory, connection: int) -> dict[str, Shown]:
    shown: dict[str, Shown] = {}
    for step in device.steps:
        if isinstance(step, Opened) and step.connection == connection:
            shown.update(dict.fromkeys(step.heads, Shown.YES))
        elif isinstance(step, Left) and step.connection == connection:
            shown[step.conversation_id] = Shown.NO
        elif _is_live_word(step) and step.connection == connection:
            before = shown.get(step.conversation_id, Shown.NO)
            shown[step.conversation_id] = Shown.YES if before is Shown.YES else Shown.PERHAPS
    return shown


def _is_live_word(step: Step) -> TypeGuard[Event | Told]:
    return isinstance(step, Told) or (isinstance(step, Event) and step.live)


def _conversations(device: DeviceHistory, truth: Truth) -> list[str]:
    every = {**truth.members, **truth.hideable}
    return [conversation for conversation, members in every.items() if device.user_id in members]
