"""Channels in commands: few enough for each, and in a cluster of one slot."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gateway.bus.slots import key_slot

BATCH: Final = 512
"""Channels in one command: Redis runs nothing else while it works on one."""


def batches(channels: Sequence[bytes], *, by_slot: bool) -> Iterator[Sequence[bytes]]:
    """The channels of each command. `by_slot`: in a Redis Cluster those of one command must share a slot."""
    for group in _by_slot(channels) if by_slot else [channels]:
        for start in range(0, len(group), BATCH):
            yield group[start : start + BATCH]


def _by_slot(channels: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    slots: dict[int, list[bytes]] = defaultdict(list)
    for channel in channels:
        slots[key_slot(channel)].append(channel)
    return slots.values()
