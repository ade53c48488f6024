"""The stream of undelivered messages, as one consumer of its group. Entries leave it only when they are dealt with.

Nothing trims the stream: XACK and XDEL together keep it as short as what is waiting (XTRIM would delete entries that
nobody has read yet, without a trace).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from shared import keys
from shared.ids import canonical_id
from shared.redis import RedisClient
from shared.streams import Undelivered
from shared.wire import VERSION

FIELD = b"message"
DEAD_CONSUMER_SECONDS = 3600.0
HANDED_OVER_SECONDS = 86_400
"""What nobody takes for a day is of a deployment, or of a history, that is no more."""
MAX_DEAD_LETTERS = 10_000
"""The dead-letter stream alone is trimmed: an operator who never looks must not fill Redis."""

_decode = msgspec.json.Decoder(Undelivered).decode


@dataclass(frozen=True)
class Entry:
    """`bulk`: of the bulk's stream. `deliveries`: how often it was taken from it, by whomever."""

    id: str
    raw: bytes
    message: Undelivered
    bulk: bool
    deliveries: int


@dataclass(frozen=True)
class Poison:
    """An entry that cannot be read: another version's, or damaged."""

    id: str
    raw: bytes
    reason: str
    bulk: bool


class UndeliveredStream:
    """One of the two: the first, or with `bulk` the bulk's. Methods raise REDIS_FAILURES.

    With `epoch` what others found in it and handed over, because it is of that line of history.

    Needs a client whose answer deadline is longer than `block_seconds`.
    """

    def __init__(
        self, redis: RedisClient, consumer: str, *, bulk: bool = False, epoch: Callable[[], str] | None = None
    ) -> None:
        self._redis = redis
        self._consumer = consumer
        self._bulk = bulk
        self._name = keys.UNDELIVERED_BULK if bulk else keys.UNDELIVERED
        self._epoch = epoch

    @property
    def _key(self) -> str:
        return self._redis.named(keys.of_epoch(self._name, self._epoch()) if self._epoch else self._name)

    async def take(self, count: int, block_seconds: float | None) -> list[Entry | Poison]:
        """New entries, waiting for the first at most so long (None: not at all). They stay pending until `done`."""
        try:
            answer: Any = await self._redis.xreadgroup(
                keys.UNDELIVERED_GROUP,
                self._consumer,
                {self._key: ">"},
                count=count,
                block=None if block_seconds is None else int(block_seconds * 1000),
            )
        except ResponseError as error:
            await self._mend(error)
            return []
        return [self._parsed(key, fields, 1) for _, entries in answer or [] for key, fields in entries]

    async def rest(self, entry_ids: Sequence[str]) -> None:
        """These were dealt with and are not settled, for a known reason: they are taken again after their rest.

        Their count of deliveries begins anew. So only an entry that nobody can deal with ever has many.
        """
        if entry_ids:
            await self._redis.xclaim(
                self._key,
                keys.UNDELIVERED_GROUP,
                self._consumer,
                0,
                list(entry_ids),
                retrycount=1,
                justid=True,
            )

    async def claim(self, count: int, idle_seconds: float) -> list[Entry | Poison]:
        """Entries that some consumer took, and did not finish, for so long: it may be dead."""
        idle_ms = int(idle_seconds * 1000)
        try:
            pending: Any = await self._redis.xpending_range(
                self._key, keys.UNDELIVERED_GROUP, min="-", max="+", count=count, idle=idle_ms
            )
        except ResponseError as error:
            await self._mend(error)
            return []
        if not pending:
            return []
        deliveries = {item["message_id"]: item["times_delivered"] + 1 for item in pending}
        claimed: Any = await self._redis.xclaim(
            self._key, keys.UNDELIVERED_GROUP, self._consumer, idle_ms, list(deliveries)
        )
        return [self._parsed(key, fields, deliveries[key]) for key, fields in claimed if fields]

    async def _mend(self, error: ResponseError) -> None:
        """A Redis that is new, or came back empty, has no group: make it. Raises what else it says."""
        if not str(error).startswith("NOGROUP"):
            raise error
        await self.create_group()

    async def create_group(self) -> None:
        """From the stream's very beginning: Redis may have come back empty and been filled before we looked."""
        try:
            await self._redis.xgroup_create(self._key, keys.UNDELIVERED_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def forget_dead_consumers(self) -> None:
        """Each start of a pusher is a consumer of its own; here those go that ended long ago and left nothing.

        Race: none, though what a deleted consumer holds is lost. A live one asks every second or so.
        """
        consumers: Any = await self._redis.xinfo_consumers(self._key, keys.UNDELIVERED_GROUP)
        for one in consumers:
            if one["pending"] == 0 and one["idle"] > DEAD_CONSUMER_SECONDS * 1000:
                await self._redis.xgroup_delconsumer(self._key, keys.UNDELIVERED_GROUP, one["name"])

    async def done(self, entry_ids: Sequence[str]) -> None:
        if entry_ids:
            await self._together(self._removal(entry_ids))

    async def hand_over(self, entries: Sequence[Entry]) -> None:
        """They leave this stream for the one of whose they are. Who dies in between leaves them in both, and the ledger
        makes that one push."""
        for entry in entries:
            theirs = self._redis.named(keys.of_epoch(self._name, entry.message.epoch))
            moved = [("XADD", theirs, "*", FIELD, entry.raw), ("EXPIRE", theirs, HANDED_OVER_SECONDS)]
            await self._together([*moved, *self._removal([entry.id])])

    async def bury(self, entry_id: str, raw: bytes, reason: str) -> None:
        """Moves an entry to the dead letters, where an operator finds it with the reason."""
        letter = ("XADD", self._redis.named(keys.DEAD_LETTERS), "MAXLEN", "~", MAX_DEAD_LETTERS, "*")
        fields = (FIELD, raw, b"reason", reason, b"entry", entry_id)
        await self._together([(*letter, *fields), *self._removal([entry_id])])

    async def backlog(self) -> tuple[int, float]:
        """How many entries wait, and the age of the oldest in seconds (by Redis' clock)."""
        length, oldest, (seconds, _) = await self._together(
            [("XLEN", self._key), ("XRANGE", self._key, "-", "+", "COUNT", 1), ("TIME",)]
        )
        if not oldest:
            return 0, 0.0
        return length, max(0.0, float(seconds) - int(oldest[0][0].split(b"-")[0]) / 1000)

    def _removal(self, entry_ids: Sequence[str]) -> list[tuple[Any, ...]]:
        return [
            ("XACK", self._key, keys.UNDELIVERED_GROUP, *entry_ids),
            ("XDEL", self._key, *entry_ids),
        ]

    async def _together(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """In one round trip, in this order."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return list(await pipeline.execute())

    def _parsed(self, key: bytes, fields: dict[bytes, bytes], deliveries: int) -> Entry | Poison:
        raw = fields.get(FIELD, b"")
        message = _message(raw)
        if isinstance(message, str):
            return Poison(key.decode(), raw, message, self._bulk)
        return Entry(key.decode(), raw, message, self._bulk, deliveries)


def _message(raw: bytes) -> Undelivered | str:
    """The message, or why it is none."""
    try:
        message = _decode(raw)
    except msgspec.MsgspecError as error:
        return str(error)
    if message.version != VERSION:
        return f"version {message.version}"
    if not all(map(canonical_id, (message.conversation_id, message.message_id, *message.users))):
        return "an id that is no UUID"
    return message
