"""Links into groups: making, listing, revoking and using them. Their rows change only below the lock of their group."""

from persistence.conversations.views import Created
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.groups import joins
from persistence.groups.hold import Group, hold, open_to
from persistence.groups.joins import Entered
from persistence.groups.views import AtLimit, By, Joined, NotAGroup, NotAllowed
from persistence.invites.tokens import hash_of, new_token
from persistence.invites.views import Invite, IsIn, NewInvite, NoSuchInvite, Shown, WasRemoved
from persistence.members.roles import may_set
from persistence.members.views import NotAMember
from shared.clock import iso
from shared.ids import new_id

MOST_LIVE = 20

_COLUMNS = "id, created_by, created_at, expires_at, max_uses, uses"
_LIVES = "expires_at > clock_timestamp() AND (max_uses IS NULL OR uses < max_uses)"

_TIDY = Query("tidy_invites", "DELETE FROM invites WHERE conversation_id = $1 AND expires_at <= clock_timestamp()")
_COUNT = Query("count_invites", f"SELECT count(*) AS n FROM invites WHERE conversation_id = $1 AND {_LIVES}")
_INSERT = Query(
    "insert_invite",
    f"""
INSERT INTO invites (conversation_id, id, token_hash, created_by, created_at, expires_at, max_uses)
SELECT $1, $2, $3, $4, now.at, now.at + make_interval(secs => $5), $6
FROM date_trunc('milliseconds', clock_timestamp()) AS now(at)
RETURNING {_COLUMNS}
""",
)
_LIST = Query(
    "list_invites",
    f"""
SELECT {_COLUMNS} FROM invites WHERE conversation_id = $1 AND {_LIVES} ORDER BY created_at DESC, id LIMIT {MOST_LIVE}
""",
)
_REVOKE = Query("revoke_invite", "DELETE FROM invites WHERE conversation_id = $1 AND id = $2")

_PREVIEW = Query(
    "preview_invite",
    f"""
SELECT i.id, c.name, c.members, g.avatar FROM invites i
JOIN conversations c ON c.id = i.conversation_id AND c.members > 0
LEFT JOIN groups g ON g.conversation_id = c.id
WHERE i.token_hash = $1 AND {_LIVES}
""",
)
_FIND = Query("find_invite", "SELECT conversation_id FROM invites WHERE token_hash = $1")
_JUDGE = Query(
    "judge_invite",
    f"""
SELECT i.expires_at > clock_timestamp() AS is_open, {_LIVES} AND c.members > 0 AS lives,
       p.user_id IS NOT NULL AND p.left_at IS NULL AS is_in, p.removed_at IS NOT NULL AS was_removed
FROM invites i JOIN conversations c ON c.id = i.conversation_id
LEFT JOIN participants p ON p.conversation_id = i.conversation_id AND p.user_id = $3
WHERE i.conversation_id = $1 AND i.token_hash = $2
""",
)
_USE = Query("use_invite", "UPDATE invites SET uses = uses + 1 WHERE conversation_id = $1 AND token_hash = $2")


async def create(
    pool: Pool, conversation_id: str, by: By, *, seconds: int, max_uses: int | None
) -> NewInvite | NotAMember | NotAGroup | NotAllowed | AtLimit:
    """A link that lives for so long, and for so many uses."""
    async with transaction(pool) as connection:
        group = await _held(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        await _TIDY.rows(connection, conversation_id)
        living = await _COUNT.row(connection, conversation_id)
        if living is not None and living["n"] >= MOST_LIVE:
            return AtLimit(f"{MOST_LIVE} links that live")
        token = new_token()
        row = await _INSERT.row(
            connection, conversation_id, new_id(), hash_of(token), by.user_id, float(seconds), max_uses
        )
    assert row is not None, "an INSERT gives its row"
    return NewInvite(*_fields(row), token)


async def listed(pool: Pool, conversation_id: str, by: By) -> list[Invite] | NotAMember | NotAGroup | NotAllowed:
    """Those that live, the newest first."""
    async with transaction(pool) as connection:
        group = await _held(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        return [Invite(*_fields(row)) for row in await _LIST.rows(connection, conversation_id)]


async def revoke(
    pool: Pool, conversation_id: str, by: By, invite_id: str
) -> NotAMember | NotAGroup | NotAllowed | None:
    """From the commit on nobody comes in by it. No harm where there is none."""
    async with transaction(pool) as connection:
        group = await _held(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        await _REVOKE.rows(connection, conversation_id, invite_id)
        return None


async def preview(database: Database, token: str) -> Shown | NoSuchInvite:
    row = await _PREVIEW.row(database, hash_of(token))
    return NoSuchInvite() if row is None else Shown(row["id"], row["name"], row["avatar"], row["members"])


async def use(pool: Pool, user_id: str, token: str) -> Joined | IsIn | NoSuchInvite | WasRemoved | AtLimit:
    """The user comes into the group. Who is in it already stays so, also where this was the last use."""
    found = await _FIND.row(pool, hash_of(token))
    if found is None:
        return NoSuchInvite()
    async with transaction(pool) as connection:
        entered = await _enter(connection, found["conversation_id"], user_id, hash_of(token))
    if not isinstance(entered, Entered):
        return entered
    arrived: list[Created] = await joins.arrivals(pool, entered)
    return Joined([user_id], entered.logged, arrived)


async def _enter(
    connection: Connection, conversation_id: str, user_id: str, token_hash: bytes
) -> Entered | IsIn | NoSuchInvite | WasRemoved | AtLimit:
    group = await open_to(connection, conversation_id, user_id)
    row = await _JUDGE.row(connection, conversation_id, token_hash, user_id)
    if group is None or row is None or not row["is_open"]:
        return NoSuchInvite()
    if row["is_in"]:
        return IsIn(conversation_id)
    if not row["lives"]:
        return NoSuchInvite()
    if row["was_removed"]:
        return WasRemoved()
    entered = await joins.enter(connection, group, [user_id])
    if isinstance(entered, Entered):
        await _USE.rows(connection, conversation_id, token_hash)
    return entered or IsIn(conversation_id)


async def _held(connection: Connection, conversation_id: str, by: By) -> Group | NotAMember | NotAGroup | NotAllowed:
    group = await hold(connection, conversation_id, by)
    return group if not isinstance(group, Group) or may_set(group.role) else NotAllowed()


def _fields(row: Row) -> tuple[str, str, str, str, int | None, int]:
    times = iso(row["created_at"]), iso(row["expires_at"])
    return row["id"], row["created_by"], *times, row["max_uses"], row["uses"]
