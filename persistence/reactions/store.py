"""Who reacts to which message with what."""

from typing import NamedTuple

import msgspec

from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.view import View
from persistence.database.visibility import BEGINS, stands, stays
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages.held import AtLimit, Deleted, Locked, NoSuchMessage, lock
from persistence.messages.rows import Counted, counted
from persistence.messages.views import Reaction
from shared.clock import iso
from shared.events.message_reaction import MESSAGE_REACTION, MessageReaction

MOST_DISTINCT = 20
"""Emojis of a message."""
MOST_OF_USER = 10
"""Of one user, at one message."""

# After the locks: whoever changes a message's reactions holds its row, so nothing of this changes any more.
_READ = Query(
    "held_reactions",
    f"""
SELECT m.seq, coalesce(m.rev, m.seq) AS rev, NOT {stands("m")} AS is_deleted, m.reactions, array(
    SELECT r.emoji FROM reactions r
    WHERE r.conversation_id = $1 AND r.message_seq = m.seq AND r.user_id = $2
) AS mine, (
    SELECT count(*) FROM reactions r WHERE r.conversation_id = $1 AND r.message_seq = m.seq AND r.emoji = $4
) AS count
FROM participants p JOIN conversations c ON c.id = p.conversation_id
JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
WHERE p.conversation_id = $1 AND p.user_id = $2
""",
)

_ADD = Query(
    "add_reaction",
    """
WITH added AS (
    INSERT INTO reactions (conversation_id, message_seq, user_id, emoji, created_at)
    VALUES ($1, $2, $3, $4, date_trunc('milliseconds', clock_timestamp()))
)
UPDATE messages SET reactions = $5 WHERE conversation_id = $1 AND seq = $2
""",
)

_REMOVE = Query(
    "remove_reaction",
    """
WITH removed AS (
    DELETE FROM reactions WHERE conversation_id = $1 AND message_seq = $2 AND user_id = $3 AND emoji = $4
)
UPDATE messages SET reactions = $5 WHERE conversation_id = $1 AND seq = $2
""",
)

_LIST = Query(
    "list_reactions",
    f"""
WITH asked AS (
    SELECT m.seq, {stands("m")} AS stands FROM participants p JOIN conversations c ON c.id = p.conversation_id
    LEFT JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
    WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
)
SELECT asked.seq, r.emoji, r.user_id, r.created_at FROM asked LEFT JOIN LATERAL (
    SELECT * FROM reactions r
    WHERE asked.stands AND r.conversation_id = $1 AND r.message_seq = asked.seq AND ($4::text IS NULL OR r.emoji = $4)
        AND ($5::text IS NULL OR (r.emoji, r.user_id) > ($5 COLLATE "C", $6::uuid))
    ORDER BY r.emoji, r.user_id LIMIT $7
) AS r ON true ORDER BY r.emoji, r.user_id
""",
)

_encode = msgspec.json.Encoder().encode


class Reacted(NamedTuple):
    """How it stands. `logged` None: it stood so before."""

    reaction: Reaction
    rev: int
    logged: Logged | None


Refused = NotAMember | Withdrew | Muted | NoSuchMessage | Deleted | AtLimit


class One(View, frozen=True):
    emoji: str
    user_id: str
    created_at: str


class After(NamedTuple):
    """Where a page of reactions ended."""

    emoji: str
    user_id: str


class ReactionPage(NamedTuple):
    reactions: list[One]
    next: After | None


async def react(
    pool: Pool, conversation_id: str, user_id: str, message_id: str, emoji: str, *, on: bool
) -> Reacted | Refused:
    """Whether the user reacts to the message with this emoji from now on. So already: no event."""
    async with transaction(pool) as connection:
        locked = await lock(connection, conversation_id, user_id, message_id)
        if not isinstance(locked, Locked):
            return locked
        row = await _READ.row(connection, conversation_id, user_id, message_id, emoji)
        if row is None:
            return NoSuchMessage()
        refused = _judge(row, emoji, on=on)
        if refused is not None:
            return refused
        if (emoji in row["mine"]) == on:
            return Reacted(Reaction(emoji, row["count"], on), row["rev"], None)
        count = row["count"] + (1 if on else -1)
        logged = await _write(connection, (conversation_id, row["seq"], user_id), message_id, row, emoji, count, on=on)
        return Reacted(Reaction(emoji, count, on), logged.seq, logged)


def _judge(row: Row, emoji: str, *, on: bool) -> Refused | None:
    if row["is_deleted"]:
        return Deleted()
    if not on or emoji in row["mine"]:
        return None
    if len(row["mine"]) >= MOST_OF_USER:
        return AtLimit(f"{MOST_OF_USER} reactions of one person to a message")
    known = counted(row)
    if len(known) >= MOST_DISTINCT and all(one.emoji != emoji for one in known):
        return AtLimit(f"{MOST_DISTINCT} different reactions to a message")
    return None


async def _write(
    connection: Connection, key: tuple[str, int, str], message_id: str, row: Row, emoji: str, count: int, *, on: bool
) -> Logged:
    conversation_id, seq, user_id = key
    shown = _with(counted(row), emoji, count)
    stored = _encode(shown).decode() if shown else None
    await (_ADD if on else _REMOVE).rows(connection, *key, emoji, stored)
    body = MessageReaction(message_id, seq, emoji, on, count)
    return await append(connection, conversation_id, user_id, MESSAGE_REACTION, body, message_id)


def _with(known: list[Counted], emoji: str, count: int) -> list[Counted]:
    """The same with this count, in the old place or at the end; without it where nobody reacts so any more."""
    if all(one.emoji != emoji for one in known):
        known = [*known, Counted(emoji, 0)]
    changed = [Counted(emoji, count) if one.emoji == emoji else one for one in known]
    return [one for one in changed if one.count > 0]


async def page(
    database: Database,
    conversation_id: str,
    user_id: str,
    message_id: str,
    *,
    emoji: str | None,
    after: After | None,
    limit: int,
) -> ReactionPage | NotAMember | NoSuchMessage:
    """Who reacts, by emoji and then by user."""
    place = after or (None, None)
    rows = await _LIST.rows(database, conversation_id, user_id, message_id, emoji, *place, limit + 1)
    if not rows:
        return NotAMember()
    if rows[0]["seq"] is None:
        return NoSuchMessage()
    found = [One(row["emoji"], row["user_id"], iso(row["created_at"])) for row in rows if row["emoji"] is not None]
    shown = found[:limit]
    return ReactionPage(shown, After(shown[-1].emoji, shown[-1].user_id) if len(found) > limit else None)
