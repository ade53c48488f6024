"""Conversations: making, listing, hiding and removing them."""

from collections.abc import Iterable, Sequence
from typing import Any

from persistence.attachments import references
from persistence.conversations import bounty
from persistence.conversations.beginnings import direct_key, pair_key
from persistence.conversations.rows import LISTED, NAMED, conversation_of
from persistence.conversations.views import (
    Conversation,
    ConversationPage,
    Created,
    Hidden,
    KeptApart,
    Position,
    Purged,
    StillHidden,
)
from persistence.database.pool import Connection, Database, Pool, Query, columns, transaction
from persistence.database.visibility import ARCHIVED, HIDES, stays
from persistence.members import user_outbox as memberships
from persistence.members.views import Member, NotAMember, Present, Withdrew
from persistence.users.pairs import among, hold_pair
from persistence.users.people import hold_people
from shared.api import LIVE_PRESENCE_MEMBERS, LIVE_PRESENCE_ROOMS
from shared.ids import new_id
from shared.wire import Kind

# Two who ask for the same direct conversation at once: the second INSERT waits for the first one's commit, does
# nothing, and the query after it finds that row.
_INSERT = Query(
    "insert_conversation",
    """
INSERT INTO conversations (id, is_group, name, bounty_id, created_by, members, direct_key, created_at, updated_at)
SELECT $1, $2, $3, $4, $5, $6, $7, now.at, now.at FROM date_trunc('milliseconds', clock_timestamp()) AS now(at)
ON CONFLICT (direct_key) DO NOTHING
RETURNING id
""",
)

_INSERT_PARTICIPANTS = Query(
    "insert_participants",
    """
WITH governed AS (
    INSERT INTO groups (conversation_id) SELECT id FROM conversations WHERE id = $1 AND is_group
)
INSERT INTO participants (conversation_id, user_id, joined_at, role)
SELECT c.id, w.id, c.created_at, CASE WHEN c.is_group AND w.id = c.created_by THEN 'owner' END
FROM unnest($2::uuid[]) AS w(id), conversations c WHERE c.id = $1 ORDER BY w.id
""",
)

_DIRECT = Query("direct_conversation", "SELECT id FROM conversations WHERE direct_key = $1")

# Only for one that its caller had hidden; says whether it was out of the caller's list until now.
_BRING_BACK = Query(
    "bring_back_conversation",
    """
UPDATE participants p SET hidden = false FROM conversations c
WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.hidden AND c.id = p.conversation_id
RETURNING c.last_ordinal <= p.hidden_ordinal AS was_hidden
""",
)

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
SELECT p.withdrawn_at IS NOT NULL AS withdrew, p.barred FROM participants p
WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
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


SMALLEST_GROUP = 3
"""People who remain where somebody was left out because of a block."""


async def create(
    pool: Pool,
    caller: str,
    participant_ids: Iterable[str],
    *,
    is_group: bool = False,
    name: str | None = None,
    bounty_id: str | int | None = None,
    per_bounty: bool = True,
    conversation_id: str | None = None,
    created_by: str | None = None,
) -> Created | KeptApart:
    """A conversation of the caller and these people. For two, unless `is_group`, the one that they have already:
    about this bounty, or, without `per_bounty`, the eldest about any. Into a group whoever is kept apart from the
    caller by a block does not come, and nobody is told; with fewer than three others left there is none.

    Who is unknown becomes a user without a handle. Raises ValueError where nobody besides the caller is named.
    `conversation_id` is the id that a new one gets: where there is one of that id, asyncpg's UniqueViolationError.
    `created_by` is noted in place of the caller as who made it; the caller may then be alone in it, which is a group.
    """
    people = sorted({caller, *participant_ids})
    if len(people) < 2 and created_by is None:
        raise ValueError("a conversation needs someone besides the caller")
    group = is_group or len(people) != 2
    about = bounty.to_text(bounty_id)
    key = direct_key(people, group, about)
    async with transaction(pool) as connection:
        if key is not None:
            await hold_pair(connection, *people)
        # Of a group that nobody in it made nobody is the one from whom others are kept apart.
        apart = await among(connection, caller, people) if key is not None or created_by in (None, caller) else {}
        if apart:
            people = [one for one in people if one not in apart]
            if len(people) < SMALLEST_GROUP:
                return KeptApart(by_caller=any(apart.values()))
        if key is not None and not per_bounty:
            key = await pair_key(connection, people)
        row = await _INSERT.row(
            connection, conversation_id or new_id(), group, name, about, created_by or caller, len(people), key
        )
        if row is None:
            return await _existing(connection, caller, key)
        conversation_id = row["id"]
        # After the conversation, on whose key another one may have to wait.
        await hold_people(connection, people)
        await _INSERT_PARTICIPANTS.rows(connection, conversation_id, people)
        joined = await memberships.change(connection, Kind.JOINED, conversation_id, people)
        return Created(await _one(connection, caller, conversation_id), existing=False, joined=joined)


async def _existing(connection: Connection, caller: str, key: str | None) -> Created:
    row = await _DIRECT.row(connection, key)
    assert row is not None, "a conversation was purged at the moment when it was asked for"
    hidden = await _BRING_BACK.row(connection, row["id"], caller)
    joined: list[Member] = []
    if hidden is not None and hidden["was_hidden"]:
        joined = await memberships.change(connection, Kind.JOINED, row["id"], [caller])
    return Created(await _one(connection, caller, row["id"]), existing=True, joined=joined)


async def _one(database: Database, user_id: str, conversation_id: str) -> Conversation:
    return (await view(database, [(user_id, conversation_id)]))[user_id, conversation_id]


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
    return Withdrew() if row["withdrew"] else Present()


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
