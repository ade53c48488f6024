"""Making conversations: new ones, and the one that two people have already."""

from collections.abc import Iterable

from persistence.conversations import bounty
from persistence.conversations.beginnings import direct_key, pair_key
from persistence.conversations.store import view
from persistence.conversations.views import Conversation, Created, KeptApart
from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.members import user_outbox as memberships
from persistence.members.views import Member
from persistence.push.arrivals import noting
from persistence.users.pairs import among, hold_pair
from persistence.users.people import hold_people
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

_OF_GROUP = "(SELECT * FROM conversations WHERE id = $1 AND is_group) AS c, unnest($2::uuid[]) AS w(id)"
_INSERT_PARTICIPANTS = Query(
    "insert_participants",
    f"""
WITH governed AS (
    INSERT INTO groups (conversation_id) SELECT id FROM conversations WHERE id = $1 AND is_group
), arriving AS ({noting("c.id", _OF_GROUP, "c.created_by")})
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
        is_callers = key is not None or created_by in (None, caller)
        coming = await _not_apart(connection, caller, people) if is_callers else people
        if isinstance(coming, KeptApart):
            return coming
        if key is not None and not per_bounty:
            key = await pair_key(connection, coming)
        new, maker = conversation_id or new_id(), created_by or caller
        row = await _INSERT.row(connection, new, group, name, about, maker, len(coming), key)
        if row is not None:
            joined = await _populate(connection, row["id"], coming)
            return Created(
                await _seen_by(connection, caller, row["id"]),
                existing=False,
                joined=joined,
                owner_id=maker if group else None,
            )
        existing = await _existing(connection, caller, key)
        if existing is not None:
            return existing
    # Purged between the two looks: its key is free now.
    return await create(
        pool,
        caller,
        people,
        is_group=is_group,
        name=name,
        bounty_id=bounty_id,
        per_bounty=per_bounty,
        conversation_id=conversation_id,
        created_by=created_by,
    )


async def _populate(connection: Connection, conversation_id: str, people: list[str]) -> list[Member]:
    """After the conversation, on whose key another one may have to wait."""
    await hold_people(connection, people)
    await _INSERT_PARTICIPANTS.rows(connection, conversation_id, people)
    return await memberships.change(connection, Kind.JOINED, conversation_id, people)


async def _not_apart(connection: Connection, caller: str, people: list[str]) -> list[str] | KeptApart:
    """Those of them with whom the caller has no block."""
    apart = await among(connection, caller, people)
    coming = [one for one in people if one not in apart]
    if apart and len(coming) < SMALLEST_GROUP:
        return KeptApart(by_caller=any(apart.values()))
    return coming


async def _existing(connection: Connection, caller: str, key: str | None) -> Created | None:
    """None: it was purged meanwhile, and nothing was written."""
    row = await _DIRECT.row(connection, key)
    if row is None:
        return None
    hidden = await _BRING_BACK.row(connection, row["id"], caller)
    joined: list[Member] = []
    if hidden is not None and hidden["was_hidden"]:
        joined = await memberships.change(connection, Kind.JOINED, row["id"], [caller])
    seen = await view(connection, [(caller, row["id"])])
    if seen:
        return Created(seen[caller, row["id"]], existing=True, joined=joined)
    again = await _DIRECT.row(connection, key)
    assert again is None or again["id"] != row["id"], "one of the two is not in the conversation of both"
    return None


async def _seen_by(connection: Connection, user_id: str, conversation_id: str) -> Conversation:
    return (await view(connection, [(user_id, conversation_id)]))[user_id, conversation_id]
