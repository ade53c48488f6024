"""Notices that Redis may have forgotten, and sets deadlines again for what is recent."""

import structlog

from persistence.database.pool import Pool
from persistence.log.epoch import Epoch
from persistence.push import undelivered
from persistence.push.state import PushState
from shared import keys
from shared.redis import RedisClient

log = structlog.get_logger()

RECENT_SECONDS = 600.0
"""What is older is no news for a phone any more; its app syncs when it is opened."""
BATCH = 1000

# On the node that holds the push state, whichever it is in a cluster; its run id is another after every start.
# Where the login may not see that, only a marker that is gone is noticed.
_READ = """
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
return {redis.call('GET', KEYS[1]), run or ''}
"""


class PushMarker:
    """The marker stands beside the push state in Redis: gone together, noticed by it. It holds the database's epoch and
    the run of Redis that it was written to: one that was started again, or a replica in its place, may have come back
    with the marker and without what was written last.

    Several processes may find it missing at once: a deadline set twice is one. What was pushed before is in the
    pusher's ledger, and is not pushed again.
    """

    def __init__(self, pool: Pool, redis: RedisClient, push_state: PushState, epoch: Epoch) -> None:
        self._pool = pool
        self._redis = redis
        self._push_state = push_state
        self._epoch = epoch

    async def check(self) -> int:
        """How many deadlines had to be set again. To be called every second or so; reads the epoch anew each time.

        Raises DATABASE_FAILURES and REDIS_FAILURES; the marker is then still missing, and the next call does it all.
        """
        epoch = await self._epoch.refresh(self._pool)
        # Two deployments on one Redis would undo each other's for ever, each setting all again.
        key = self._redis.named(keys.of_epoch(keys.PUSH_MARKER, epoch))
        found, run = await self._redis.execute_command("EVAL", _READ, 1, key)
        marker = f"{epoch} {run.decode()}".encode()
        if found == marker:
            return 0
        count = await self._set_recent_deadlines()
        await self._redis.set(key, marker)
        log.info("push state may not be whole: deadlines are set again", messages=count)
        return count

    async def _set_recent_deadlines(self) -> int:
        count = 0
        after = undelivered.BEGINNING
        while deadlines := await undelivered.recent(self._pool, RECENT_SECONDS, after=after, limit=BATCH):
            await self._push_state.set_deadlines(deadlines)
            count += len(deadlines)
            after = (deadlines[-1].conversation_id, deadlines[-1].seq)
        return count
