"""A user's changes of membership: numbered by the user's version, and kept until the user's devices were told."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Query, columns
from persistence.members.views import Member
from shared.wire import Kind

# Locks users in the order of their ids, as every writer of users does: nobody waits in a circle.
_CHANGE = Query(
    "change_memberships",
    """
WITH member AS (
    SELECT id FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
), changed AS (
    UPDATE users u SET version = u.version + 1 FROM member WHERE u.id = member.id RETURNING u.id, u.version
), logged AS (
    INSERT INTO user_outbox (user_id, version, kind, conversation_id, created_at)
    SELECT id, version, $2, $3, date_trunc('milliseconds', clock_timestamp()) FROM changed
)
SELECT id, version FROM changed
""",
)

# Each user's changes in the order in which they are given.
_CHANGE_MANY = Query(
    "change_many_memberships",
    """
WITH given AS (
    SELECT g.*, row_number() OVER (PARTITION BY user_id ORDER BY place) AS nth
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS g(user_id, kind, conversation_id, place)
), member AS (
    SELECT id FROM users WHERE id IN (SELECT user_id FROM given) ORDER BY id FOR NO KEY UPDATE
), changed AS (
    UPDATE users u SET version = u.version + n.n
    FROM member JOIN (SELECT user_id, count(*) AS n FROM given GROUP BY user_id) AS n ON n.user_id = member.id
    WHERE u.id = member.id RETURNING u.id, u.version - n.n AS before
)
INSERT INTO user_outbox (user_id, version, kind, conversation_id, created_at)
SELECT g.user_id, c.before + g.nth, g.kind, g.conversation_id, date_trunc('milliseconds', clock_timestamp())
FROM given g JOIN changed c ON c.id = g.user_id ORDER BY g.place
RETURNING user_id, version, kind, conversation_id
""",
)

_OVERDUE = Query(
    "overdue_memberships",
    """
SELECT o.user_id, o.version, o.kind, o.conversation_id, p.hidden_seq
FROM user_outbox o LEFT JOIN participants p USING (conversation_id, user_id)
WHERE o.created_at < now() - make_interval(secs => $1)
ORDER BY o.user_id, o.version LIMIT $2 FOR UPDATE OF o SKIP LOCKED
""",
)

# Skips what a relay holds at this moment: it publishes that again, and removes it. By ctid as in outbox.py.
_SETTLE = Query(
    "settle_memberships",
    """
DELETE FROM user_outbox WHERE ctid = ANY (ARRAY(
    SELECT held.ctid FROM unnest($1::uuid[], $2::bigint[]) AS w(user_id, version) CROSS JOIN LATERAL (
        SELECT o.ctid FROM user_outbox o WHERE o.user_id = w.user_id AND o.version = w.version
        FOR UPDATE SKIP LOCKED
    ) AS held
))
""",
)


MemberFollower = Callable[[Database, Sequence[tuple[str, int]]], Awaitable[None]]
"""Is told these (user, version) after their devices were, and before they are forgotten: once or more."""


async def follow_nobody(_: Database, __: Sequence[tuple[str, int]]) -> None:
    """Where nobody follows."""


class Change(NamedTuple):
    """`kind` is JOINED, LEFT, HIDDEN, BARRED or UNBARRED. `hidden_seq` is as far as they have hidden it by
    now; None where it is gone."""

    user_id: str
    version: int
    kind: Kind
    conversation_id: str
    hidden_seq: int | None

    @property
    def member(self) -> Member:
        return Member(self.user_id, self.version)


async def change(connection: Connection, kind: Kind, conversation_id: str, user_ids: Sequence[str]) -> list[Member]:
    """Raises each user's version and notes what happened to them. Belongs into the transaction that does it."""
    rows = await _CHANGE.rows(connection, user_ids, kind, conversation_id)
    return [Member(row["id"], row["version"]) for row in rows]


async def change_many(connection: Connection, changes: Sequence[tuple[str, Kind, str]]) -> list[Change]:
    """The same for several (user, kind, conversation), none of them HIDDEN: numbered in this order."""
    if not changes:
        return []
    rows = await _CHANGE_MANY.rows(connection, *columns(changes, 3))
    return [Change(row["user_id"], row["version"], Kind(row["kind"]), row["conversation_id"], None) for row in rows]


async def overdue(connection: Connection, older_than_seconds: float, limit: int) -> list[Change]:
    """Changes that nobody settled in time, held by this transaction; those that another one holds are left out."""
    rows = await _OVERDUE.rows(connection, older_than_seconds, limit)
    return [
        Change(row["user_id"], row["version"], Kind(row["kind"]), row["conversation_id"], row["hidden_seq"])
        for row in rows
    ]


async def settle(database: Database, changes: Sequence[tuple[str, int]]) -> None:
    """Forgets these (user, version): their devices were told."""
    await _SETTLE.rows(database, *columns(changes, 2))
