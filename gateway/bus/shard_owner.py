"""What a shard is given: whom it tells what became of its channels, and what all links have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.bus.link import OnMessage, Reading
from gateway.bus.probe import PublishProbe

if TYPE_CHECKING:
    from gateway.bus.shard import Shard


class ShardOwner(Protocol):
    """Whom a shard tells what became of its channels."""

    def channel_confirmed(self, channel: bytes) -> None:
        """The channel is subscribed, for the first time or again."""

    def shard_lost(self) -> None:
        """The link went down: from now on events may be missed."""

    def shard_restored(self, channels: Sequence[bytes]) -> None:
        """These were interrupted and are confirmed again; any event in between may be missed."""

    def shard_unreachable(self) -> None:
        """Another attempt to connect has failed."""

    def channels_misplaced(self, shard: "Shard", channels: Sequence[bytes], error: str) -> None:
        """Redis does not serve these here (any more)."""


@dataclass(frozen=True)
class LinkSettings:
    """What every link of a bus has in common. `name` is how Redis' CLIENT LIST shows it (no spaces)."""

    name: str
    on_message: OnMessage
    reading: Reading
    publish_probe: PublishProbe
    probe_seconds: float
