"""The streams in which gateways report receipts, as one consumer of their group.

Gateways write to one. Where several deployments share the Redis without a prefix, each takes what is another's as well,
and hands it over by a second stream, which only the other one reads.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.exceptions import ResponseError

from shared import keys
from shared.ids import canonical_id
from shared.redis import RedisClient
from shared.streams import Cursor, ReceiptBatch, Seen
from shared.wire import VERSION

FIELD = b"batch"
LAST_SEQ = 2**63 - 1
MOST_HANDED_OVER = 10_000
HANDED_OVER_SECONDS = 86_400
"""What nobody takes for a day is of a deployment, or of a history, that is no more. Its gateway, where there is one,
keeps a batch until it is applied, and sends it again."""
LAST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that datetime knows."""

_decode = msgspec.json.Decoder(ReceiptBatch).decode


class Entry(NamedTuple):
    """`batch` is None where it cannot be read; `trouble` then says why. `raw` as it was written."""

    id: str
    batch: ReceiptBatch | None
    trouble: str = ""
    raw: bytes = b""


class ReceiptsStream:
    """Needs a client whose answer deadline is longer than `block_seconds`. Methods raise REDIS_FAILURES.

    `handed_over_to()` is whose the second stream is, by their epoch; without it this is the first one.
    """

    def __init__(self, redis: RedisClient, consumer: str, handed_over_to: Callable[[], str] | None = None) -> None:
        self._redis = redis
        self._consumer = consumer
        self._handed_over_to = handed_over_to

    @property
    def _key(self) -> str:
        own = self._handed_over_to
        return self._redis.named(keys.RECEIPTS if own is None else keys.of_epoch(keys.RECEIPTS, own()))

    async def take(self, count: int, block_seconds: float) -> list[Entry]:
        """New entries, waiting for the first at most so long. They stay pending until `done`."""
        try:
            answer: Any = await self._redis.xreadgroup(
                keys.RECEIPTS_GROUP,
                self._consumer,
                {self._key: ">"},
                count=count,
                block=round(block_seconds * 1000),
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.create_group()
            return []
        return [parse(key, fields) for _, entries in answer or [] for key, fields in entries]

    async def claim(self, count: int, idle_seconds: float) -> list[Entry]:
        """Entries that a consumer, dead or not, took and did not finish for so long."""
        try:
            answer: Any = await self._redis.xautoclaim(
                self._key, keys.RECEIPTS_GROUP, self._consumer, round(idle_seconds * 1000), count=count
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.create_group()
            return []
        return [parse(key, fields) for key, fields in answer[1] if fields]

    async def create_group(self) -> None:
        """From the stream's very beginning: Redis may have come back empty and been filled before we looked."""
        try:
            await self._redis.xgroup_create(self._key, keys.RECEIPTS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def hand_over(self, entries: Sequence[Entry]) -> None:
        """They leave this stream for that of the deployment whose they are.

        Race: who dies between the two leaves them in both. A cursor only goes forward, so nobody minds.
        """
        for entry in entries:
            if entry.batch is not None:
                key = self._redis.named(keys.of_epoch(keys.RECEIPTS, entry.batch.epoch))
                await self._redis.xadd(key, {FIELD: entry.raw}, maxlen=MOST_HANDED_OVER)
                await self._redis.expire(key, HANDED_OVER_SECONDS)
        await self.done([entry.id for entry in entries])

    async def done(self, entry_ids: Sequence[str]) -> None:
        """They leave the stream."""
        if not entry_ids:
            return
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("XACK", self._key, keys.RECEIPTS_GROUP, *entry_ids)
            pipeline.execute_command("XDEL", self._key, *entry_ids)
            await pipeline.execute()

    async def forget_consumers(self, idle_seconds: float) -> None:
        """Removes the names of processes that are long gone. One with entries stays until they are claimed."""
        for consumer in await self._redis.xinfo_consumers(self._key, keys.RECEIPTS_GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > idle_seconds * 1000:
                await self._redis.xgroup_delconsumer(self._key, keys.RECEIPTS_GROUP, consumer["name"])


def parse(key: bytes, fields: dict[bytes, bytes]) -> Entry:
    entry_id, raw = key.decode(), fields.get(FIELD, b"")
    try:
        batch = _decode(raw)
    except msgspec.MsgspecError as error:
        return Entry(entry_id, None, str(error))
    if batch.version != VERSION:
        # Not answered with APPLIED: its gateway sends it again, until a process takes it that knows that version.
        return Entry(entry_id, None, f"version {batch.version}")
    if not (all(map(_is_cursor, batch.cursors)) and all(map(_is_seen, batch.seen))):
        return Entry(entry_id, None, "an id or a number that Postgres would refuse")
    return Entry(entry_id, batch, raw=raw)


def _is_cursor(cursor: Cursor) -> bool:
    ids = (cursor.conversation_id, cursor.user_id)
    return all(canonical_id(each) == each for each in ids) and all(
        0 <= seq <= LAST_SEQ for seq in (cursor.delivered, cursor.attended, cursor.read)
    )


def _is_seen(seen: Seen) -> bool:
    return canonical_id(seen.user_id) == seen.user_id and 0 <= seen.at_ms <= LAST_MS
