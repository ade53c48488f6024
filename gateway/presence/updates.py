"""What other gateways, and this one, say of a user's presence, brought to the rooms that are held here.

A channel loses what is published while its link is down, and presence has no log in Postgres. So Redis keeps the latest
news of each shard, and whatever was told in between is read from there once the link is back.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from shared import frames, keys
from shared.clock import now_ms
from shared.redis import REDIS_FAILURES, RedisClient
from shared.wire import PREFIX_BYTES, PresenceChange, unpack_prefix

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
SHARDS_AT_ONCE: Final = 16
"""In one round trip: at the worst each answers with all the news that is kept of it."""
SKEW_MS: Final = 10_000
"""By so much Redis' clock may be behind this one: whatever is told twice for it is true."""

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
    """What a shard may have missed: all after `place`, but of the users of whom something later was heard since. None:
    nothing, for it begins only now; whoever connects asks who is online."""

    __slots__ = ("began_ms", "heard", "place")

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.heard: dict[str, Place] = {}
        self.began_ms = now_ms()

    def interrupt(self) -> None:
        """Race: a link that goes down before it is known where the news was when it came up. What was told since then
        is missed, and by Redis' clock alone one can say where that begins."""
        if self.place is None:
            self.place = Place(max(0, self.began_ms - SKEW_MS), 0)


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
        for channel, shard in _shard_of.items():
            if not self._hears(channel):
                self._expect_loss(shard).interrupt()

    def on_restored(self, channels: Iterable[bytes]) -> None:
        """These are heard again, or for the first time."""
        shards = {_shard_of[channel] for channel in channels if channel in _shard_of}
        for shard in shards:
            self._expect_loss(shard)
        self._due |= shards
        if shards:
            self._asked.set()

    async def run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                while self._due:
                    await self._catch_up(list(self._due)[:SHARDS_AT_ONCE])
            except REDIS_FAILURES as error:
                log.warning("presence not caught up yet", error=f"{type(error).__name__}: {error}")
                self._asked.set()
                await asyncio.sleep(RETRY_SECONDS)

    def _expect_loss(self, shard: int) -> _Missed:
        missed = self._missed.get(shard)
        if missed is None:
            missed = self._missed[shard] = _Missed(self._reached.get(shard))
        return missed

    async def _catch_up(self, shards: Sequence[int]) -> None:
        asked = [self._missed[shard].place for shard in shards]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for shard, after in zip(shards, asked, strict=True):
                pipeline.execute_command(*self._reading(shard, after))
            answers: list[list[tuple[bytes, dict[bytes, bytes]]]] = await pipeline.execute()
        # Nothing is awaited from here on: what is heard next is later than all of this.
        for shard, after, entries in zip(shards, asked, answers, strict=True):
            # Else it was interrupted before its place was known, and is asked again.
            if self._missed[shard].place == after:
                self._take_in(shard, [(_place(key), fields.get(b"news", b"")) for key, fields in entries])

    def _take_in(self, shard: int, news: list[tuple[Place, bytes]]) -> None:
        missed = self._missed.pop(shard)
        if missed.place is not None:
            self._tell_missed(missed, news)
        self._reached[shard] = max([self._reached.get(shard, _BEGINNING), *(place for place, _ in news)])
        self._due.discard(shard)

    def _reading(self, shard: int, after: Place | None) -> tuple[str | int, ...]:
        """All after a place; without one only the latest, to begin there."""
        stream = self._redis.named(keys.presence_news(shard))
        return ("XREVRANGE", stream, "+", "-", "COUNT", 1) if after is None else ("XRANGE", stream, f"({after}", "+")

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
                if change.last_seen_at is None:
                    self._hub.send_to_room(room, frame, "presence", skip=user)
                else:
                    self._hub.discretion.send_offline(room, frame, skip=user)


def _read(envelope: bytes) -> PresenceChange | None:
    try:
        return _changes.decode(envelope[PREFIX_BYTES:])
    except msgspec.DecodeError as error:
        log.warning("unreadable presence", error=str(error))
        return None


def _place(key: bytes) -> Place:
    ms, _, nth = key.partition(b"-")
    return Place(int(ms), int(nth))
