"""The one script that changes who holds a user, and publishes what that changed, in the order of truth.

The user's hash and the channel share a slot, so the change and its news are one step: whoever hears "offline" after
"online" may believe it.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gateway.presence.roster import Held
from shared import keys
from shared.clock import iso_from_ms
from shared.wire import Kind, PresenceChange, pack

HOLD_AND_TELL = """
local alive = {}
for i = 8, #ARGV do alive[ARGV[i]] = true end
local function online()
  local held, total = redis.call('HGETALL', KEYS[1]), 0
  local any = false
  for i = 1, #held, 2 do
    if alive[held[i]] then
      any = true
      total = total + tonumber(held[i + 1])
    end
  end
  return any, total
end
local count = tonumber(ARGV[2])
local before, total = online()
if count < 0 then
  local held = redis.call('HDEL', KEYS[1], ARGV[1]) == 1
  before = held or redis.call('EXISTS', KEYS[3]) == 0
else
  redis.call('HSET', KEYS[1], ARGV[1], count)
end
local after
after, total = online()
if after ~= before or (after and ARGV[7] == '1') then
  if not after then
    redis.call('SET', KEYS[3], ARGV[5], 'PX', 300000)
  end
  local news = after and ARGV[3] or ARGV[4]
  local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'news', news)
  redis.call('PEXPIRE', KEYS[4], 3600000)
  local ms, nth = string.match(id, '(%d+)-(%d+)')
  local place = struct.pack('>I8I8', tonumber(ms), tonumber(nth))
  redis.call('SPUBLISH', KEYS[2], string.sub(news, 1, 4) .. place .. string.sub(news, 21))
end
return total
"""
"""KEYS: the user's hash, the shard's channel, the time of their leaving, the shard's latest news. ARGV: the
incarnation, its connections (-1: it holds the user no longer), the news for "online", the news for "offline", when that
was, how much news is kept, 1 if "online" is news whatever was before, then every live incarnation.

Someone who is let go was online until then, also where the incarnation that held them is dead, or where Redis came back
empty and knows neither that they were here nor that they left. When they left stays known here for minutes, far longer
than the receipts stream takes to bring it to Postgres. What is published carries its place among the latest news, where
other envelopes have a seq and a commit time. Gives the user's connections in the whole fleet.
"""


def trial(named: Callable[[str], str], incarnation: str) -> list[tuple[Any, ...]]:
    """The script, for nobody: it writes as it always does, and has nothing to tell, as no incarnation is live. So one
    word is published beside it, to nobody."""
    told = ("SPUBLISH", named(keys.probe(incarnation)), b"")
    nobody = incarnation  # an id that no user has
    return [hold(named, incarnation, Held(nobody, 0, [], 0), (), ""), ("DEL", named(keys.presence(nobody))), told]


KEPT_NEWS = 1000
"""Of each shard: far more than an interrupted link misses, and some 20 MB in all at the worst."""

_LET_GO = -1


def hold(named: Callable[[str], str], incarnation: str, held: Held, live: Iterable[str], epoch: str) -> tuple[Any, ...]:
    """The command that makes Redis say of the user what `held` says, for this incarnation. `named` is the client's.

    The rooms are told if the user thereby comes online, or goes offline, or if that is doubted. `live` are the
    incarnations that count: a list as old as that of whoever told "offline" may lack one that holds the user, whose
    word is then the last. `epoch` is theirs: another deployment's gateways on this Redis are not to hear of it.
    """
    came = PresenceChange(held.user_id, is_online=True, last_seen_at=None, rooms=held.rooms)
    went = b""  # whom we hold is online, whatever was before
    if held.connections is None:
        last_seen_at = None if held.is_discreet else iso_from_ms(held.at_ms)
        gone = PresenceChange(held.user_id, is_online=False, last_seen_at=last_seen_at, rooms=held.rooms)
        went = pack(Kind.PRESENCE, msgspec.json.encode(gone), sender=held.user_id, epoch=epoch)
    return (
        "EVAL",
        HOLD_AND_TELL,
        4,
        named(keys.presence(held.user_id)),
        named(keys.presence_channel_of(held.user_id)),
        named(keys.left_at(held.user_id, epoch)),
        named(keys.presence_news(keys.presence_shard(held.user_id))),
        incarnation,
        _LET_GO if held.connections is None else held.connections,
        pack(Kind.PRESENCE, msgspec.json.encode(came), sender=held.user_id, epoch=epoch),
        went,
        held.at_ms,
        KEPT_NEWS,
        int(held.is_doubted),
        *live,
    )
