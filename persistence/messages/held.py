"""A message whose row is locked, as its reader sees it: how every transaction begins that touches one.

Two statements: the first takes the locks, the reader's own row in `participants` and then the message's; the second is
a new snapshot, so what is judged is what whoever held the locks before left behind. In one statement a count would miss
the row of that other one, and an event could be numbered and then not written.
"""

from typing import NamedTuple

from persistence.database.pool import Connection, Query, Row
from persistence.database.visibility import BEGINS, stays
from persistence.members.roles import AUTHOR_ROLE, ROLE
from persistence.members.settings import SETTINGS, GroupSettings, settings_of
from persistence.members.views import Muted, NotAMember, Role, Withdrew
from persistence.messages.rows import REACH, columns, with_status
from persistence.messages.views import Message
from shared.clock import iso

_LOCK = Query(
    "hold_message",
    f"""
WITH me AS MATERIALIZED (
    SELECT p.user_id, p.barred, p.left_at IS NOT NULL AS withdrew,
           CASE WHEN p.silenced_until > now() THEN p.silenced_until END AS silenced_until
    FROM participants p
    WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")} FOR NO KEY UPDATE
)
SELECT held.id, me.barred, me.withdrew, me.silenced_until FROM me LEFT JOIN LATERAL (
    SELECT m.id FROM messages m
    WHERE m.conversation_id = $1 AND m.id = $3 AND me.user_id IS NOT NULL FOR NO KEY UPDATE
) AS held ON true
""",
)

_READ = Query(
    "held_message",
    f"""
SELECT c.is_group, c.last_seq, {SETTINGS}, {ROLE} AS role, {AUTHOR_ROLE} AS author_role, reach.*, {columns("$2")}
FROM participants p JOIN conversations c ON c.id = p.conversation_id
JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
LEFT JOIN groups g ON g.conversation_id = c.id
LEFT JOIN users u ON u.id = m.sender_id CROSS JOIN ({REACH.format(conversation="$1", viewer="$2")}) AS reach
WHERE p.conversation_id = $1 AND p.user_id = $2
""",
)


_LOCK_ANY = Query(
    "hold_any_message",
    """
SELECT conversation_id FROM messages WHERE id = $1 AND ($2::uuid IS NULL OR conversation_id = $2) FOR NO KEY UPDATE
""",
)
_READ_ANY = Query(
    "held_any_message",
    f"""
SELECT reach.*, {columns("m.sender_id")} FROM messages m LEFT JOIN users u ON u.id = m.sender_id
CROSS JOIN ({REACH.format(conversation="$1", viewer="NULL::uuid")}) AS reach
WHERE m.conversation_id = $1 AND m.id = $2
""",
)


class NoSuchMessage(NamedTuple):
    """There is none with this id here, or it lies below where the user's view begins."""


class Deleted(NamedTuple):
    """It was deleted for all, and nothing can be done to it any more."""


class AtLimit(NamedTuple):
    """`what` there may be no more of."""

    what: str


class Locked(NamedTuple):
    """`message_id` None: there is no such message."""

    message_id: str | None


class Held(NamedTuple):
    """`head`: the log's last seq when the message was read. `role` is the reader's, `author_role` the sender's."""

    message: Message
    head: int
    is_group: bool
    role: Role
    author_role: Role
    settings: GroupSettings

    @property
    def is_deleted(self) -> bool:
        return self.message.deleted_at is not None


async def lock(
    connection: Connection, conversation_id: str, user_id: str, message_id: str, *, erases: bool = False
) -> Locked | NotAMember | Withdrew | Muted:
    """Takes both locks until the caller's transaction ends. What only `erases` may be done by who blocks the other one
    of two, by whom that one blocks, and by who is muted; nothing else."""
    row = await _LOCK.row(connection, conversation_id, user_id, message_id)
    if row is None:
        return NotAMember()
    if not erases and (row["withdrew"] or row["barred"]):
        return Withdrew() if row["withdrew"] else NotAMember()
    if not erases and row["silenced_until"] is not None:
        return Muted(iso(row["silenced_until"]))
    return Locked(row["id"])


async def hold(
    connection: Connection, conversation_id: str, user_id: str, message_id: str, *, erases: bool = False
) -> Held | NotAMember | Withdrew | Muted | NoSuchMessage:
    """`lock`, and the message behind it."""
    locked = await lock(connection, conversation_id, user_id, message_id, erases=erases)
    if not isinstance(locked, Locked):
        return locked
    row = None if locked.message_id is None else await _READ.row(connection, conversation_id, user_id, message_id)
    return NoSuchMessage() if row is None else _held(row)


async def hold_any(connection: Connection, message_id: str, conversation_id: str | None = None) -> Message | None:
    """The same for who is no member: a moderator. None: there is no such message."""
    locked = await _LOCK_ANY.row(connection, message_id, conversation_id)
    if locked is None:
        return None
    row = await _READ_ANY.row(connection, locked["conversation_id"], message_id)
    return None if row is None else with_status(row)


def _held(row: Row) -> Held:
    roles = Role(row["role"]), Role(row["author_role"])
    return Held(with_status(row), row["last_seq"], row["is_group"], *roles, settings_of(row))
