"""Conversations: making, listing, hiding and removing them."""

from collections.abc import Iterable, Sequence
from typing import Any

from persistence.attachments import references
from persistence.conversations.rows import LISTED, NAMED, conversation_of
from persistence.conversations.views import (
    Conversation,
    ConversationPage,
    Hidden,
    Position,
    Purged,
    StillHidden,
)
from persistence.database.pool import Database, Pool, Query, columns, transaction
from persistence.database.visibility import ARCHIVED, HIDES, stays
from persistence.members import user_outbox as memberships
from persistence.members.views import NotAMember, Present, Withdrew
from shared.api import LIVE_PRESENCE_MEMBERS, LIVE_PRESENCE_ROOMS
from shared.wire import Kind

_PAGE = Query(
    "conversation_page",
    LISTED.format(
        named=NAMED,
        mine=f"""
    WHERE p.user_id = $1 AND p.left_at IS NULL AND NOT {HIDES} AND ($5::boolean IS NULL OR {ARCHIVED} = $5)
        AND ($2::timestamptz IS NULL OR (c.updated_at, c.id) < ($2, $3::uuid))
    ORDER BY c.updated_at DESC, c.id DESC LIMIT $4""",
    ),
)

# What its caller withdrew from, by blocking the other one.
_WITHDRAWN_PAGE = Query(
    "withdrawn_page",
    LISTED.format(
        named=NAMED,
        mine="""
    WHERE p.user_id = $1 AND p.withdrawn_at IS NOT NULL
        AND ($2::timestamptz IS NULL OR (c.updated_at, c.id) < ($2, $3::uuid))
    ORDER BY c.updated_at DESC, c.id DESC LIMIT $4""",
    ),
)

_VIEWED = """
    JOIN unnest($1::uuid[], $2::uuid[]) AS w(user_id, conversation_id)
        ON w.user_id = p.user_id AND w.conversation_id = p.conversation_id
    WHERE """
_VIEW = Query("conversation_view", LISTED.format(named=NAMED, mine=_VIEWED + "p.left_at IS NULL"))
_READ = Query("conversation_read", LISTED.format(named=NAMED, mine=_VIEWED + stays("p")))

# The head is of this statement's snapshot: a message that commits meanwhile is a new one, and brings it back.
_HIDE = Query(
    "hide_conversation",
    f"""
UPDATE participants p SET hidden = true, hidden_seq = c.last_seq, hidden_ordinal = c.last_ordinal,
    archived_ordinal = NULL, unread_seq = NULL, pinned = false
FROM conversations c
WHERE c.id = p.conversation_id AND p.conversation_id = $1 AND p.user_id = $2
    AND p.left_at IS NULL AND NOT {HIDES}
RETURNING p.hidden_seq
""",
)

_IS_MEMBER = Query(
    "is_member",
    "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL",
)

_STANDING = Query(
    "standing",
    f"""
SELECT p.withdrawn_at IS NOT NULL AS withdrew, p.barred, u.handle
FROM participants p JOIN users u ON u.id = p.user_id WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
""",
)

_PEERS = Query(
    "peers",
    """
SELECT w.user_id, array_agg(small.id) AS rooms FROM unnest($1::uuid[]) AS w(user_id) CROSS JOIN LATERAL (
    SELECT c.id::text FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.user_id = w.user_id AND p.left_at IS NULL AND NOT p.barred AND c.members <= $2
    ORDER BY c.updated_at DESC LIMIT $3
) AS small GROUP BY w.user_id
""",
)

# In the order in which all take their locks: the group, participants, messages, files, then the conversation. A relay
# holds rows of the outbox while its followers wait for messages, so those go before the messages; what was noted
# meanwhile goes at the end.
_PURGE_OUTBOX = Query("purge_outbox", "DELETE FROM outbox WHERE conversation_id = $1")
_PURGE = [
    Query(
        "purge_group",  # that of an older release has no row yet, and may be about to get one
        "INSERT INTO groups SELECT id FROM conversations WHERE id = $1 AND is_group ON CONFLICT DO NOTHING",
    ),
    Query("purge_group", "DELETE FROM groups WHERE conversation_id = $1"),
    Query("purge_arrivals", "DELETE FROM arrivals WHERE conversation_id = $1"),
    Query("purge_invites", "DELETE FROM invites WHERE conversation_id = $1"),
    Query("purge_lock", "SELECT FROM participants WHERE conversation_id = $1 ORDER BY user_id FOR UPDATE"),
    _PURGE_OUTBOX,
    Query("purge_messages", "DELETE FROM messages WHERE conversation_id = $1"),
    references.PURGE,
    Query("purge_lock", "SELECT FROM conversations WHERE id = $1 FOR UPDATE"),
    Query("purge_edits", "DELETE FROM message_edits WHERE conversation_id = $1"),
    Query("purge_reactions", "DELETE FROM reactions WHERE conversation_id = $1"),
    Query("purge_hidden", "DELETE FROM hidden_messages WHERE conversation_id = $1"),
    Query("purge_data", "DELETE FROM conversation_data WHERE conversation_id = $1"),
    Query("purge_drafts", "DELETE FROM drafts WHERE conversation_id = $1"),
    Query("purge_saved", "DELETE FROM saved_messages WHERE conversation_id = $1"),
    Query("purge_events", "DELETE FROM events WHERE conversation_id = $1"),
    Query("purge_search", "DELETE FROM search WHERE conversation_id = $1"),
    _PURGE_OUTBOX,
]
_PURGE_PARTICIPANTS = Query(
    "purge_participants", "DELETE FROM participants WHERE conversation_id = $1 RETURNING user_id, left_at"
)
_PURGE_CONVERSATION = Query("purge_conversation", "DELETE FROM conversations WHERE id = $1 RETURNING id")


async def page(
    database: Database,
    user_id: str,
    *,
    limit: int,
    after: Position | None = None,
    archived: bool | None = False,
    withdrawn: bool = False,
) -> ConversationPage:
    """The user's conversations, newest activity first, below `after`; those that the user hid are left out. Those
    that they archived, or the others; None for both. `withdrawn`: those instead that are over because the user blocks
    the other one.

    One query whatever the limit. A conversation that becomes active meanwhile moves up and may be met twice or, having
    moved above the page, not again: its event tells of it.
    """
    below: tuple[Any, Any] = (None, None) if after is None else (after.updated_at, after.conversation_id)
    if withdrawn:
        rows = await _WITHDRAWN_PAGE.rows(database, user_id, *below, limit + 1)
    else:
        rows = await _PAGE.rows(database, user_id, *below, limit + 1, archived)
    conversations = [conversation_of(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return ConversationPage(conversations, None)
    last = rows[limit - 1]
    return ConversationPage(conversations, Position(round(last["updated_at"].timestamp() * 1000), last["id"]))


async def view(database: Database, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Conversation]:
    """For each (user, conversation) what that user sees in their list; absent where the user is not in it."""
    rows = await _VIEW.rows(database, *columns(wanted, 2))
    return {(row["viewer"], row["id"]): conversation_of(row) for row in rows}


async def read(database: Database, user_id: str, conversation_id: str) -> Conversation | None:
    """As `view` one of them, also where the user withdrew from it. None: they are not in it."""
    row = await _READ.row(database, [user_id], [conversation_id])
    return None if row is None else conversation_of(row)


async def hide(pool: Pool, user_id: str, conversation_id: str) -> Hidden | StillHidden | NotAMember:
    """Takes the conversation out of the user's list, and all up to now out of what this user (alone) sees of it."""
    async with transaction(pool) as connection:
        row = await _HIDE.row(connection, conversation_id, user_id)
        if row is not None:
            [member] = await memberships.change(connection, Kind.HIDDEN, conversation_id, [user_id])
            return Hidden(member, row["hidden_seq"])
        return StillHidden() if await is_member(connection, user_id, conversation_id) else NotAMember()


async def is_member(database: Database, user_id: str, conversation_id: str) -> bool:
    return await _IS_MEMBER.row(database, conversation_id, user_id) is not None


async def standing(database: Database, user_id: str, conversation_id: str) -> Present | Withdrew | NotAMember:
    """Whether the user may say something there."""
    row = await _STANDING.row(database, conversation_id, user_id)
    if row is None or (row["barred"] and not row["withdrew"]):
        return NotAMember()
    return Withdrew() if row["withdrew"] else Present(row["handle"])


async def peers(database: Database, user_ids: Iterable[str]) -> dict[str, list[str]]:
    """For each user, their conversations that are small enough for live presence, at most LIVE_PRESENCE_ROOMS, those of
    the latest activity. Who has none is absent."""
    rows = await _PEERS.rows(database, list(user_ids), LIVE_PRESENCE_MEMBERS, LIVE_PRESENCE_ROOMS)
    return {row["user_id"]: row["rooms"] for row in rows}


async def purge(pool: Pool, conversation_ids: Iterable[str]) -> list[Purged]:
    """Removes conversations and all in them, for good. Those that do not exist are left out of the answer."""
    purged = []
    for conversation_id in sorted(set(conversation_ids)):
        async with transaction(pool) as connection:
            for step in _PURGE:
                await step.rows(connection, conversation_id)
            people = await _PURGE_PARTICIPANTS.rows(connection, conversation_id)
            if await _PURGE_CONVERSATION.row(connection, conversation_id) is None:
                continue
            present = [row["user_id"] for row in people if row["left_at"] is None]
            left = await memberships.change(connection, Kind.LEFT, conversation_id, present)
        purged.append(Purged(conversation_id, left))
    return purged
