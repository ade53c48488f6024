"""Scheduled messages whose time has come: which worker has which, and what became of each."""

from datetime import datetime
from typing import NamedTuple

from persistence.database.pool import Database, Pool, Query, Row, transaction
from persistence.database.visibility import REFUSED
from persistence.scheduled.store import scheduled_of
from persistence.scheduled.views import Scheduled, State

# Race: another worker, or who changes it, holds the row: it is skipped, and looked at again in a second. A worker that
# died leaves its lease behind, at whose end another one takes the message again.
_CLAIM = Query(
    "claim_scheduled",
    f"""
WITH due AS (
    SELECT user_id, id FROM scheduled WHERE due_at <= statement_timestamp()
    ORDER BY due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE scheduled s SET state = 'sending', due_at = statement_timestamp() + make_interval(secs => $2)
FROM due JOIN users u ON u.id = due.user_id WHERE s.user_id = due.user_id AND s.id = due.id
RETURNING s.id, s.user_id, s.conversation_id, s.state, s.send_at, s.created_at, s.failure, s.draft, s.due_at,
    {REFUSED} AS banned
""",
)

# Whoever sent it knows best, also where another worker was refused meanwhile.
_SENT = Query(
    "scheduled_sent",
    """
UPDATE scheduled SET state = 'sent', draft = '{}', failure = NULL, due_at = NULL, ended_at = now()
WHERE user_id = $1 AND id = $2 AND state IN ('sending', 'failed') RETURNING true
""",
)

# Only as long as nobody else has it: its lease may be over.
_REFUSED = Query(
    "scheduled_refused",
    """
UPDATE scheduled SET state = 'failed', failure = $4, due_at = NULL
WHERE user_id = $1 AND id = $2 AND state = 'sending' AND due_at = $3 RETURNING true
""",
)
_LATER = Query(
    "scheduled_later",
    """
UPDATE scheduled SET state = 'waiting', due_at = statement_timestamp() + make_interval(secs => $4)
WHERE user_id = $1 AND id = $2 AND state = 'sending' AND due_at = $3 RETURNING true
""",
)

_WAS_SENT = Query(
    "scheduled_was_sent",
    "SELECT FROM messages WHERE conversation_id = $1 AND sender_id = $2 AND client_id = $3",
)


class Claimed(NamedTuple):
    """This worker's until then. `banned`: its author may not come in any more."""

    scheduled: Scheduled
    until: datetime
    banned: bool

    @property
    def client_id(self) -> str:
        """By which it is sent once, whatever dies. No user may choose such a one."""
        return f"scheduled:{self.scheduled.id}"


async def claim(database: Database, limit: int, lease_seconds: float) -> list[Claimed]:
    """Those whose time has come, and those whose worker did not come back: at most so many, for so long."""
    return [_claimed(row) for row in await _CLAIM.rows(database, limit, lease_seconds)]


def _claimed(row: Row) -> Claimed:
    return Claimed(scheduled_of(row), row["due_at"], row["banned"])


async def settle(database: Database, one: Claimed) -> bool:
    """It was sent. Whether nobody had noted so before."""
    return await _SENT.row(database, one.scheduled.user_id, one.scheduled.id) is not None


async def fail(pool: Pool, one: Claimed, code: str) -> State | None:
    """It was refused, unless an earlier worker had sent it and died: then it is noted as sent. None: another worker has
    it by now."""
    scheduled = one.scheduled
    async with transaction(pool) as connection:
        if await was_sent(connection, one):
            return State.SENT if await settle(connection, one) else None
        row = await _REFUSED.row(connection, scheduled.user_id, scheduled.id, one.until, code)
        return None if row is None else State.FAILED


async def was_sent(database: Database, one: Claimed) -> bool:
    scheduled = one.scheduled
    return await _WAS_SENT.row(database, scheduled.conversation_id, scheduled.user_id, one.client_id) is not None


async def put_off(database: Database, one: Claimed, seconds: float) -> None:
    """It was refused for now."""
    await _LATER.row(database, one.scheduled.user_id, one.scheduled.id, one.until, seconds)
