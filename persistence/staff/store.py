"""The rows of roles. A role is never read from a token: whoever signs tokens for an app grants nothing here."""

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Database, Pool, Query, transaction
from persistence.staff.ranks import Rank
from persistence.users import revocations
from shared.auth.caller import Actor

ROLES = "roles"
"""The word under which a change is told to every process."""

_GRANT = Query(
    "role_grant",
    """
INSERT INTO roles AS known (user_id, role) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET role = excluded.role, granted_at = excluded.granted_at
WHERE known.role <> excluded.role
RETURNING user_id
""",
)
_REVOKE = Query("role_revoke", "DELETE FROM roles WHERE user_id = $1 AND role = $2 RETURNING user_id")
_ALL = Query("roles", "SELECT user_id, role FROM roles")


async def grant(pool: Pool, actor: Actor, user_id: str, rank: Rank) -> bool:
    """Makes the user one of this rank, and of no other. False where that was so already."""
    async with transaction(pool) as connection:
        changed = await _GRANT.row(connection, user_id, rank.value) is not None
        if changed:
            await audit.note(connection, actor, Entry("role.grant", "user", user_id, details={"role": rank.value}))
            await revocations.note_change(connection, ROLES)
    return changed


async def revoke(pool: Pool, actor: Actor, user_id: str, rank: Rank) -> bool:
    """False where the user is not of this rank."""
    async with transaction(pool) as connection:
        changed = await _REVOKE.row(connection, user_id, rank.value) is not None
        if changed:
            await audit.note(connection, actor, Entry("role.revoke", "user", user_id, details={"role": rank.value}))
            await revocations.note_change(connection, ROLES)
    return changed


async def everybody(database: Database) -> dict[str, Rank]:
    return {row["user_id"]: Rank(row["role"]) for row in await _ALL.rows(database)}
