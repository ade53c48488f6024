"""People come into a group.

Their cursors stand at the head of the moment in which they come in, so no status and nobody's unread changes by it. The
conversation is locked before the head is read and stays so until the event is written: no message comes in between.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from persistence.conversations import store as conversations
from persistence.conversations.views import Created
from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.groups.hold import Group, hold
from persistence.groups.views import AtLimit, By, Joined, NotAGroup, NotAllowed
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members import user_outbox as memberships
from persistence.members.roles import may_add
from persistence.members.views import Member, NotAMember, Role
from persistence.push.arrivals import noting
from persistence.users.pairs import among
from persistence.users.people import hold_people
from shared.events.conversation_changed import CONVERSATION_CHANGED, Added, ConversationChanged
from shared.wire import Kind

MOST_MEMBERS = 1000

_KNOWN = Query(
    "known_participants",
    """
SELECT p.user_id, p.left_at IS NULL AS is_in FROM participants p
WHERE p.conversation_id = $1 AND p.user_id = ANY ($2::uuid[]) ORDER BY p.user_id FOR NO KEY UPDATE
""",
)

_HEAD = Query(
    "grow_group",
    "UPDATE conversations SET members = members + $2 WHERE id = $1 RETURNING last_seq, last_ordinal, members",
)

# Who comes back sees what comes from now on, whatever they saw before.
_ENTER = Query(
    "enter_group",
    f"""
WITH arriving AS ({noting("$1", "unnest($2::uuid[]) AS w(id)", "$6::uuid")})
INSERT INTO participants AS p (conversation_id, user_id, joined_at, delivered_seq, attended_seq, read_seq, read_ordinal,
                               joined_seq, joined_ordinal, reads_only, expire_seconds, slow_seconds)
SELECT $1, w.id, now.at, $3, $3, $3, $4, CASE WHEN $5 THEN 0 ELSE $3::bigint END,
       CASE WHEN $5 THEN 0 ELSE $4::bigint END, g.send_by = 'admins', g.expire_seconds,
       CASE WHEN g.slow_seconds > 0 AND (SELECT true FROM roles r WHERE r.user_id = w.id) IS NULL
           THEN g.slow_seconds END
FROM unnest($2::uuid[]) AS w(id), groups g, date_trunc('milliseconds', clock_timestamp()) AS now(at)
WHERE g.conversation_id = $1 ORDER BY w.id
ON CONFLICT (conversation_id, user_id) DO UPDATE
SET joined_at = EXCLUDED.joined_at, left_at = NULL, removed_at = NULL, role = NULL, hidden = false,
    delivered_seq = $3, attended_seq = $3, read_seq = $3, read_ordinal = $4, joined_seq = $3, joined_ordinal = $4,
    reads_only = EXCLUDED.reads_only, expire_seconds = EXCLUDED.expire_seconds, slow_seconds = EXCLUDED.slow_seconds,
    moved_xid = pg_current_xact_id()
""",
)


class Entered(NamedTuple):
    """Written, and not told yet. `back` were here before."""

    logged: Logged
    members: list[Member]
    back: set[str]


async def add(
    pool: Pool, conversation_id: str, by: By, people: Iterable[str], *, with_history: bool = False
) -> Joined | NotAMember | NotAGroup | NotAllowed | AtLimit:
    """Whoever of these is not in the group comes in, but whom a block keeps apart from who adds them; nobody is told.

    `with_history`: they see what was said before, if they were never here. Who is unknown becomes a user without a
    handle.
    """
    async with transaction(pool) as connection:
        group = await hold(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        if not may_add(group.role, group.settings, with_history=with_history):
            return NotAllowed()
        named = set(people)
        welcome = named - (await among(connection, by.user_id, named)).keys()
        entered = await enter(connection, group, welcome, with_history=with_history)
        if not isinstance(entered, Entered):
            return entered or Joined([], None, [])
    return Joined([member.user_id for member in entered.members], entered.logged, await arrivals(pool, entered))


async def enter(
    connection: Connection, group: Group, people: Collection[str], *, with_history: bool = False
) -> Entered | AtLimit | None:
    """Into the held group. None where all of them are in it. The last statements of the caller's transaction."""
    known = {row["user_id"]: row["is_in"] for row in await _KNOWN.rows(connection, group.conversation_id, list(people))}
    fresh = sorted(one for one in people if not known.get(one))
    if not fresh:
        return None
    if group.people + len(fresh) > MOST_MEMBERS:
        return AtLimit(f"{MOST_MEMBERS:,} members")
    await hold_people(connection, fresh)
    members = await memberships.change(connection, Kind.JOINED, group.conversation_id, fresh)
    head = await _HEAD.row(connection, group.conversation_id, len(fresh))
    assert head is not None, "a purge waits for the group's lock"
    place = head["last_seq"], head["last_ordinal"]
    await _ENTER.rows(connection, group.conversation_id, fresh, *place, with_history, group.by)
    return Entered(await _tell(connection, group, fresh, head["members"]), members, set(known))


async def _tell(connection: Connection, group: Group, fresh: Sequence[str], people: int) -> Logged:
    body = ConversationChanged(people, added=[Added(one, Role.MEMBER) for one in fresh])
    return await append(
        connection, group.conversation_id, group.by, CONVERSATION_CHANGED, body, people=people, named=fresh
    )


async def arrivals(pool: Pool, entered: Entered) -> list[Created]:
    """As those who came in see the conversation now: who was never here may see more than who comes back. Who is out
    again by now is left to the relay."""
    found = []
    for are_back in (False, True):
        members = [member for member in entered.members if (member.user_id in entered.back) is are_back]
        if members:
            wanted = members[0].user_id, entered.logged.conversation_id
            view = (await conversations.view(pool, [wanted])).get(wanted)
            if view is not None:
                found.append(Created(view, existing=True, joined=members))
    return found
