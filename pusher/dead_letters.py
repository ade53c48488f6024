"""The dead letters, for operators: entries of the undelivered stream that no pusher could deal with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pusher.stream import FIELD
from shared import keys
from shared.redis import RedisClient

# KEYS: the dead letters, the stream. ARGV: the stream's field, then letters' ids. Gives how many it moved.
_RETRY = """
local moved = 0
for i = 2, #ARGV do
    local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])
    if found[1] then
        local fields = found[1][2]
        for at = 1, #fields, 2 do
            if fields[at] == ARGV[1] then redis.call('XADD', KEYS[2], '*', ARGV[1], fields[at + 1]) end
        end
        redis.call('XDEL', KEYS[1], ARGV[i])
        moved = moved + 1
    end
end
return moved
"""


@dataclass(frozen=True)
class DeadLetter:
    """`raw` is the entry as it stood in the stream, `at_ms` when it was given up."""

    id: str
    raw: bytes
    reason: str

    @property
    def at_ms(self) -> int:
        return int(self.id.partition("-")[0])


class DeadLetters:
    """All methods raise REDIS_FAILURES."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._letters, self._stream = redis.named(keys.DEAD_LETTERS), redis.named(keys.UNDELIVERED)
        self._retry = redis.register_script(_RETRY)

    async def all(self) -> list[DeadLetter]:
        """Oldest first; there are at most some 10,000, see MAX_DEAD_LETTERS."""
        entries: Any = await self._redis.xrange(self._letters)
        return [DeadLetter(key.decode(), _field(fields, FIELD), _text(fields, b"reason")) for key, fields in entries]

    async def retry(self, ids: Sequence[str]) -> int:
        """Puts them back into the stream, as if they were new; how many there were."""
        return int(await self._retry(keys=[self._letters, self._stream], args=[FIELD, *ids])) if ids else 0

    async def drop(self, ids: Sequence[str]) -> int:
        """Deletes them for good; how many there were."""
        return int(await self._redis.xdel(self._letters, *ids)) if ids else 0


def _field(fields: dict[bytes, bytes], name: bytes) -> bytes:
    return fields.get(name, b"")


def _text(fields: dict[bytes, bytes], name: bytes) -> str:
    return _field(fields, name).decode(errors="replace")
