"""What other gateways, and this one, say of a user's presence, brought to the rooms that are held here.

A channel loses what is published while its link is down, and presence has no log in Postgres. So Redis keeps the latest
news of each shard, and whatever was told in between is read from there once the link is back.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from shared import frames, keys
from shared.redis import REDIS_FAILURES, RedisClient
from shared.wire import PREFIX_BYTES, PresenceChange, unpack_prefix

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0

_changes = msgspec.json.Decoder(PresenceChange)
_shard_of = {keys.presence_channel(shard).encode(): shard for shard in range(keys.PRESENCE_SHARDS)}


class Place(NamedTuple):
    """Where news stands among its shard's, as the id of a stream's entry."""

    ms: int
    nth: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.nth}"


_BEGINNING: Final = Place(0, 0)


class _Missed:
    """What a shard may have missed: all after `place`, but of the users of whom something later was heard since."""

    __slots__ = ("heard", "place")

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.heard: dict[str, Place] = {}


class PresenceUpdates:
    """`run` must run, as a task of the owner's. `hears(channel)`: its link is up, and Redis has confirmed it.
    `on_offline(user)`, by their channel: they were said to be offline, which they are not if they are here."""

    def __init__(
        self,
        hub: Hub,
        redis: RedisClient,
        hears: Callable[[bytes], bool],
        on_offline: Callable[[bytes], None],
    ) -> None:
        self._hub = hub
        self._redis = redis
        self._hears = hears
        self._on_offline = on_offline
        self._reached: dict[int, Place] = {}
        self._missed: dict[int, _Missed] = {}
        self._due: set[int] = set()
        self._asked = asyncio.Event()

    def on_envelope(self, envelope: bytes) -> None:
        """One frame a room, not to the user's own devices."""
        change = _read(envelope)
        if change is not None:
            _, _, _, ms, nth, _, _ = unpack_prefix(envelope)
            self._note(change.user_id, Place(ms, nth))
            self._tell(change)

    def on_lost(self) -> None:
        """A link went down: what is heard next on its channels is not all there was."""
        self._expect_loss(shard for channel, shard in _shard_of.items() if not self._hears(channel))

    def on_restored(self, channels: Iterable[bytes]) -> None:
        """These are heard again, or for the first time."""
        shards = {_shard_of[channel] for channel in channels if channel in _shard_of}
        self._expect_loss(shards)
        self._due |= shards
        if shards:
            self._asked.set()

    async def run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                for shard in list(self._due):
                    await self._catch_up(shard)
            except REDIS_FAILURES as error:
                log.warning("presence not caught up yet", error=f"{type(error).__name__}: {error}")
                self._asked.set()
                await asyncio.sleep(RETRY_SECONDS)

    def _expect_loss(self, shards: Iterable[int]) -> None:
        for shard in shards:
            self._missed.setdefault(shard, _Missed(self._reached.get(shard)))

    async def _catch_up(self, shard: int) -> None:
        missed = self._missed[shard]
        news = await self._read_news(shard, missed.place)
        # Nothing is awaited from here on: what is heard next is later than all of this.
        if missed.place is not None:
            self._tell_missed(missed, news)
        self._reached[shard] = max([self._reached.get(shard, _BEGINNING), *(place for place, _ in news)])
        self._due.discard(shard)
        del self._missed[shard]

    async def _read_news(self, shard: int, after: Place | None) -> list[tuple[Place, bytes]]:
        """All after a place; without one only the latest, to begin there: whoever connects asks who is online."""
        stream = self._redis.named(keys.presence_news(shard))
        ends = ("XREVRANGE", stream, "+", "-", "COUNT", 1) if after is None else ("XRANGE", stream, f"({after}", "+")
        entries: list[tuple[bytes, dict[bytes, bytes]]] = await self._redis.execute_command(*ends)
        return [(_place(key), fields.get(b"news", b"")) for key, fields in entries]

    def _tell_missed(self, missed: _Missed, news: Iterable[tuple[Place, bytes]]) -> None:
        """Of each user only the last word, and none that is older than what was heard since."""
        last: dict[str, tuple[Place, PresenceChange]] = {}
        for place, envelope in news:
            change = _read(envelope) if self._hub.is_ours(envelope) else None
            if change is not None:
                last[change.user_id] = (place, change)
        for user_id, (place, change) in last.items():
            if place > missed.heard.get(user_id, _BEGINNING):
                self._tell(change)

    def _note(self, user_id: str, place: Place) -> None:
        shard = keys.presence_shard(user_id)
        self._reached[shard] = max(place, self._reached.get(shard, place))
        if shard in self._missed:
            self._missed[shard].heard[user_id] = place

    def _tell(self, change: PresenceChange) -> None:
        user = keys.user(change.user_id).encode()
        if not change.is_online:
            self._on_offline(user)
        for conversation_id in change.rooms:
            room = self._hub.room(conversation_id)
            # Most who come are alone in their rooms here: their friends are on other gateways.
            if room is not None and self._hub.has_others(room, user):
                frame = frames.presence_update(
                    conversation_id=conversation_id,
                    user_id=change.user_id,
                    is_online=change.is_online,
                    last_seen_at=change.last_seen_at,
                )
                self._hub.send_to_room(room, frame, "presence", skip=user)


def _read(envelope: bytes) -> PresenceChange | None:
    try:
        return _changes.decode(envelope[PREFIX_BYTES:])
    except msgspec.DecodeError as error:
        log.warning("unreadable presence", error=str(error))
        return None


def _place(key: bytes) -> Place:
    ms, _, nth = key.partition(b"-")
    return Place(int(ms), int(nth))
