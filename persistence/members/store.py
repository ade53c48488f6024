"""Who is in a conversation, page by page: its view names only the first of them."""

from persistence.database.pool import Database, Query
from persistence.members.roles import ROLE
from persistence.members.views import MemberPage, NotAMember, Role, RoomMember
from shared.clock import iso

# The caller's own row decides first; with it there is a row also where nobody matches. At most 1,000
# people are looked at, by index.
_PAGE = Query(
    "member_page",
    f"""
WITH me AS (
    SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL
)
SELECT found.* FROM me LEFT JOIN LATERAL (
    SELECT p.user_id, u.handle, u.display_name, u.avatar_url, p.joined_at, {ROLE} AS role
    FROM participants p JOIN users u ON u.id = p.user_id
    JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = $1 AND p.left_at IS NULL AND ($3::uuid IS NULL OR p.user_id > $3)
        AND ($4::text IS NULL OR strpos(lower(concat_ws(chr(10), u.handle, u.display_name)), lower($4)) > 0)
        AND ($5::text IS NULL OR {ROLE} = $5)
    ORDER BY p.user_id LIMIT $6
) AS found ON true ORDER BY found.user_id
""",
)


async def page(
    database: Database,
    caller: str,
    conversation_id: str,
    *,
    limit: int,
    after: str | None = None,
    containing: str | None = None,
    role: Role | None = None,
) -> MemberPage | NotAMember:
    """The members whose id is above `after`, by id; only those one of whose names holds `containing`, in any case."""
    rows = await _PAGE.rows(database, conversation_id, caller, after, containing or None, role, limit + 1)
    if not rows:
        return NotAMember()
    found = [
        RoomMember(
            id=row["user_id"],
            handle=row["handle"],
            display_name=row["display_name"],
            avatar_url=row["avatar_url"],
            role=Role(row["role"]),
            joined_at=iso(row["joined_at"]),
        )
        for row in rows
        if row["user_id"] is not None
    ]
    return MemberPage(found[:limit], found[limit - 1].id if len(found) > limit else None)
