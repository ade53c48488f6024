"""How entries come into the two undelivered streams: nobody's flood stands before what others send.

Of each sender so many recipients a minute go into the stream `undelivered`, the rest into `undelivered:bulk`, from
which the pushers' workers take little while anything else waits. Only recipients with a device are in entries at all.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog
from prometheus_client import Counter

from shared import keys
from shared.redis import RedisClient
from shared.redis_batches import Command
from shared.streams import Undelivered

RECIPIENTS = Counter(
    "parley_undelivered_recipients_total", "Recipients in entries, by the stream that they were written to", ["stream"]
)
_PROMPT, _BULK = RECIPIENTS.labels("undelivered"), RECIPIENTS.labels("bulk")

PROMPT_RECIPIENTS = 60
"""Of one sender in WINDOW_SECONDS, by all processes."""
WINDOW_SECONDS = 60
BULK_USERS = 20
"""In an entry of the bulk at most: workers share by entries, so none of them may be a large one."""

# Users are written as `"UUID","UUID"`, each 39 characters wide: an entry is cut between them without being parsed. What
# calls `add` gives the streams as KEYS[prompt] and KEYS[bulk], and the sender's count as KEYS[share].
ADD = f"""
local told, held, first = 0, 0, 0
local function some(users, from, upto) return string.sub(users, from * 39 + 1, upto * 39 - 1) end
local function add(prompt, bulk, share, count, head, users, tail)
    local used = tonumber(redis.call('GET', KEYS[share]) or 0)
    local now = math.max(0, math.min(count, {PROMPT_RECIPIENTS} - used))
    if now > 0 then
        redis.call('XADD', KEYS[prompt], '*', 'message', head .. some(users, 0, now) .. tail)
        redis.call('INCRBY', KEYS[share], now)
        if used == 0 then redis.call('EXPIRE', KEYS[share], {WINDOW_SECONDS}) end
    end
    for from = now, count - 1, {BULK_USERS} do
        local upto = math.min(count, from + {BULK_USERS})
        redis.call('XADD', KEYS[bulk], '*', 'message', head .. some(users, from, upto) .. tail)
    end
    told, held = told + now, held + count - now
    if now < count and first == 0 then first = share end
end
"""

# KEYS: the streams, then the senders' counts. ARGV: five of each entry. Answers how many recipients went into each
# stream, and which of the KEYS is of a sender with some in the bulk.
_ADD_ALL = f"""{ADD}
for at = 1, #ARGV, 5 do
    add(1, 2, tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
end
return {{told, held, first}}
"""

_encode = msgspec.json.Encoder().encode
_USERS = b'"users":[]'

log = structlog.get_logger()


def facts(entry: Undelivered, share: int) -> tuple[int, int, bytes, bytes, bytes]:
    """What `add` wants of an entry: the number of its sender's key, how many users, and the three parts of its JSON."""
    head, _, tail = _encode(msgspec.structs.replace(entry, users=[])).partition(_USERS)
    users = ",".join([f'"{user}"' for user in entry.users]).encode()
    return share, len(entry.users), head + _USERS[:-1], users, b"]" + tail


def shares(entries: Iterable[Undelivered], *, after: int) -> dict[str, int]:
    """sender -> the number of their key in a script that has so many KEYS before it."""
    senders = dict.fromkeys(entry.sender_id for entry in entries)
    return {sender: nth for nth, sender in enumerate(senders, after + 1)}


def names(numbers: Iterable[str], named: Callable[[str], str]) -> list[str]:
    """The KEYS of both streams and of the senders' counts, in the order of `shares`."""
    return [named(key) for key in (keys.UNDELIVERED, keys.UNDELIVERED_BULK, *map(keys.push_share, numbers))]


def adding(entries: Sequence[Undelivered], named: Callable[[str], str]) -> Command:
    """The command that writes these entries where their senders' shares allow. Its answer is for `Overflow.note`."""
    numbers = shares(entries, after=2)
    all_keys = names(numbers, named)
    arguments = [part for entry in entries for part in facts(entry, numbers[entry.sender_id])]
    return ("EVAL", _ADD_ALL, len(all_keys), *all_keys, *arguments)


async def write(redis: RedisClient, overflow: "Overflow", entries: Sequence[Undelivered]) -> None:
    """Raises REDIS_FAILURES; then some may have been written."""
    if entries:
        overflow.note(await redis.execute_command(*adding(entries, redis.named)), shares(entries, after=2))


class Overflow:
    """Counts what was written, and says once a minute who fills the bulk."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def note(self, answer: Sequence[int], numbers: dict[str, int]) -> None:
        """`answer` of the script, `numbers` as `shares` gave them."""
        told, held, first = answer
        _PROMPT.inc(told)
        _BULK.inc(held)
        if held and time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + WINDOW_SECONDS
            sender = next(sender for sender, number in numbers.items() if number == first)
            log.info("a sender's pushes wait behind those of others", sender_id=sender, recipients=held)
