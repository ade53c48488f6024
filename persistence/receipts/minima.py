"""Receipts of big groups: no person is named, and the room is told how far everybody has come, now and then.

Each member's own word to all would cost members × messages × members frames. The least of all cursors costs one query
of at most 1,000 rows, and one frame, every two seconds at most, however many read however much.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.receipts import cursors, envelopes
from persistence.receipts.views import Minimum
from shared import keys
from shared.redis import RedisClient
from shared.redis_batches import Batches, successes

EVERY_MS = 2000
"""At most so often is a conversation told of, by all processes together."""
AT_ONCE = 100
MOST_KNOWN = 10_000
"""Conversations whose cursors moved, and as many of whose last word is remembered: the next sync tells the others."""


class Minima:
    """`moved` never waits; `tell` is to be called every half second or so."""

    def __init__(self, pool: Pool, redis: RedisClient, delivery: Delivery) -> None:
        self._pool = pool
        self._redis = Batches(redis)
        self._delivery = delivery
        self._moved: dict[str, None] = {}
        self._told: OrderedDict[str, Minimum] = OrderedDict()

    def moved(self, conversation_id: str) -> None:
        """Somebody's cursor in it did, or somebody left it."""
        if len(self._moved) < MOST_KNOWN:
            self._moved[conversation_id] = None

    async def tell(self) -> None:
        """Raises DATABASE_FAILURES and REDIS_FAILURES; what was not told stays to be told.

        Race: a cursor that moves while its minimum is read puts its conversation on the list again.
        """
        due = list(self._moved)[:AT_ONCE]
        granted = await self._granted(due) if due else []
        for conversation_id in granted:
            del self._moved[conversation_id]
        try:
            found = await cursors.minima(self._pool, granted) if granted else []
        except BaseException:
            self._moved.update(dict.fromkeys(granted))
            raise
        for minimum in found:
            if minimum != self._told.get(minimum.conversation_id):
                self._offer(minimum)

    async def _granted(self, due: Sequence[str]) -> list[str]:
        """Those of which no process has told within EVERY_MS."""
        names = [self._redis.named(keys.minima(conversation_id)) for conversation_id in due]
        answers = successes(await self._redis.send([("SET", name, "1", "NX", "PX", EVERY_MS) for name in names]))
        granted = [one for one, answer in zip(due, answers, strict=True) if answer is not None]
        for one in set(due) - set(granted):  # to the end: those behind AT_ONCE have their turn
            self._moved[one] = self._moved.pop(one)
        return granted

    def _offer(self, minimum: Minimum) -> None:
        self._told[minimum.conversation_id] = minimum
        self._told.move_to_end(minimum.conversation_id)
        if len(self._told) > MOST_KNOWN:
            self._told.popitem(last=False)
        receipt = envelopes.of(envelopes.receipts_all(minimum), epoch=self._delivery.epoch)
        self._delivery.offer(receipt, partial(self._heard, minimum.conversation_id))

    def _heard(self, conversation_id: str, went_out: bool) -> None:
        if not went_out:
            self._told.pop(conversation_id, None)
            self.moved(conversation_id)
