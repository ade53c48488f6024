"""`user.online` and `user.offline`: what gateways lately told of presence, for who named these types.

Lossy on purpose: presence has no log. Each process reads the latest news of every shard; the same entry has the same
event id, so it is noted once, whoever reads it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from persistence.database.pool import Pool, transaction
from persistence.webhooks.noting import Hooks
from persistence.webhooks.types import OFFLINE, ONLINE
from shared import keys, wire
from shared.ids import id_text
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.wire import PresenceChange

MOST_AT_ONCE = 200
"""Of one shard in one turn: more waits for the next one."""

_decode = msgspec.json.Decoder(PresenceChange).decode
_Entry = tuple[bytes, dict[bytes, bytes]]


class PresenceNews:
    """`turn` is to be called every second or so. It asks nobody where no webhook wants to know; what happened before
    one did is told to none."""

    def __init__(self, pool: Pool, redis: RedisClient, presence: PresenceReader, hooks: Hooks) -> None:
        self._pool = pool
        self._redis = redis
        self._presence = presence
        self._hooks = hooks
        self._places: list[bytes] | None = None

    async def turn(self) -> None:
        """Raises DATABASE_FAILURES or REDIS_FAILURES: then the next turn tells the same."""
        if not (self._hooks.wants(ONLINE) or self._hooks.wants(OFFLINE)):
            self._places = None
            return
        if self._places is None:
            newest = await self._read([("XREVRANGE", "+", "-", "COUNT", 1)] * keys.PRESENCE_SHARDS)
            self._places = [entries[0][0] if entries else b"0-0" for entries in newest]
            return
        places = self._places
        found = await self._read([("XRANGE", b"(" + place, "+", "COUNT", MOST_AT_ONCE) for place in places])
        await self._tell(found)
        self._places = [entries[-1][0] if entries else place for entries, place in zip(found, places, strict=True)]

    async def _read(self, asked: Sequence[tuple[str | bytes | int, ...]]) -> list[list[_Entry]]:
        """Of each shard, in order."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for shard, (command, *rest) in enumerate(asked):
                pipeline.execute_command(command, self._redis.named(keys.presence_news(shard)), *rest)
            answers: list[list[_Entry]] = await pipeline.execute()
        return answers

    async def _tell(self, found: Sequence[Sequence[_Entry]]) -> None:
        news = [
            (f"{shard}:{key.decode()}", change)
            for shard, entries in enumerate(found)
            for key, change in self._own(entries)
        ]
        if not news:
            return
        async with transaction(self._pool) as connection:
            for subject, change in news:
                kind = ONLINE if change.is_online else OFFLINE
                data = {"userId": change.user_id}
                told = data if change.is_online else {**data, "lastSeenAt": change.last_seen_at}
                await self._hooks.note(connection, kind, subject, told)

    def _own(self, entries: Sequence[_Entry]) -> Iterator[tuple[bytes, PresenceChange]]:
        """Another deployment on this Redis has news of its own."""
        for key, fields in entries:
            envelope = wire.unpack(fields.get(b"news", b""))
            if envelope is None or envelope.kind != wire.Kind.PRESENCE:
                continue
            epoch = "" if envelope.epoch == wire.NOBODY else id_text(envelope.epoch)
            if not wire.is_foreign(epoch, self._presence.epoch):
                yield key, _decode(envelope.frame)
