"""A user as others see them, what of that they chose themselves, and who is to hear of a change."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.view import View
from persistence.database.visibility import keep_apart
from shared.api import LIVE_PRESENCE_MEMBERS

_SHOWN = "u.id, u.handle, u.display_name, u.avatar_url"

_READ = Query("profile", f"SELECT {_SHOWN} FROM users u WHERE u.id = $1")

# What a token says changes nothing of it any more. The row is locked by the first part, so what is compared with what
# was there is what was there.
_CHANGE = Query(
    "change_profile",
    f"""
WITH before AS (
    SELECT id, display_name, avatar_url FROM users WHERE id = $1 FOR NO KEY UPDATE
)
UPDATE users u SET display_name = coalesce($2::text, u.display_name), own_name = u.own_name OR $2::text IS NOT NULL,
    avatar_url = CASE WHEN $3::boolean THEN $4::text ELSE u.avatar_url END, own_avatar = u.own_avatar OR $3::boolean
FROM before WHERE u.id = before.id
RETURNING {_SHOWN},
    (u.display_name, u.avatar_url) IS DISTINCT FROM (before.display_name, before.avatar_url) AS is_news
""",
)

HEARD_IN = 200
"""Conversations of somebody whose people hear at once that they changed: those of the latest activity."""

_PEERS = Query(
    "profile_peers",
    f"""
SELECT {_SHOWN}, ARRAY(
    SELECT o.user_id::text FROM (
        SELECT c.id FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.user_id = u.id AND p.left_at IS NULL AND c.members <= $2 ORDER BY c.updated_at DESC LIMIT $3
    ) AS small JOIN participants o ON o.conversation_id = small.id AND o.left_at IS NULL AND o.user_id <> u.id
    GROUP BY o.user_id HAVING {keep_apart("u.id", "o.user_id")} IS NULL
) AS peers
FROM users u WHERE u.id = ANY ($1::uuid[])
""",
)

_LOOKED_AT = 20_000
"""People of conversations, each counted in each: what a search costs is bounded by it."""
_ROOMS_LOOKED_AT = 500

# By the conversation that is the newest of those shared with them, then by name.
_PEOPLE = Query(
    "people",
    f"""
WITH met AS (
    SELECT seen.user_id, min(seen.nth) AS nth FROM (
        SELECT o.user_id, mine.nth FROM (
            SELECT c.id, row_number() OVER (ORDER BY c.updated_at DESC, c.id) AS nth
            FROM participants p JOIN conversations c ON c.id = p.conversation_id
            WHERE p.user_id = $1 AND p.left_at IS NULL ORDER BY nth LIMIT {_ROOMS_LOOKED_AT}
        ) AS mine CROSS JOIN LATERAL (
            SELECT q.user_id FROM participants q
            WHERE q.conversation_id = mine.id AND q.left_at IS NULL AND q.user_id <> $1
        ) AS o LIMIT {_LOOKED_AT}
    ) AS seen GROUP BY seen.user_id
)
SELECT {_SHOWN} FROM met JOIN users u ON u.id = met.user_id
WHERE ($2::text IS NULL OR strpos(lower(concat_ws(chr(10), u.handle, u.display_name)), lower($2)) > 0)
    AND {keep_apart("$1", "u.id")} IS NULL
ORDER BY met.nth, u.handle, u.id LIMIT $3
""",
)


class Person(View, frozen=True):
    """As others see them. `handle` is None for who never signed in."""

    id: str
    handle: str | None
    display_name: str | None
    avatar_url: str | None


class Change(NamedTuple):
    """What somebody chooses: a name, None for the one they have; and with `chooses_avatar` a picture, which is
    the uploaded file `avatar` at `avatar_url`, or none from now on."""

    display_name: str | None = None
    chooses_avatar: bool = False
    avatar: str | None = None
    avatar_url: str | None = None


class NoSuchPicture(NamedTuple):
    """It is no avatar of the user's own that is ready."""


Wear = Callable[[Connection, str, str | None], Awaitable[bool]]
"""Makes a file the picture of a user, in the transaction of their profile; false where it may not be."""


class Changed(NamedTuple):
    """How the user is shown now, and whether that is another way than before."""

    user: Person
    is_news: bool


class Peers(NamedTuple):
    """The user as shown now, and who shares a small conversation with them."""

    user: Person
    peers: list[str]


async def read(database: Database, user_id: str) -> Person:
    """Of somebody who signed in."""
    [row] = await _READ.rows(database, user_id)
    return _shown(row)


async def change(pool: Pool, user_id: str, wanted: Change, wear: Wear) -> Changed | NoSuchPicture:
    """Of somebody who signed in. From then on their token's words for the same count no more."""
    async with transaction(pool) as connection:
        if wanted.chooses_avatar and not await wear(connection, user_id, wanted.avatar):
            return NoSuchPicture()
        chosen = wanted.display_name, wanted.chooses_avatar, wanted.avatar_url
        [row] = await _CHANGE.rows(connection, user_id, *chosen)
    return Changed(_shown(row), row["is_news"])


async def peers(database: Database, user_ids: Sequence[str]) -> list[Peers]:
    """Of these users, each with who hears of their changes: without those whom a block keeps apart from them."""
    rows = await _PEERS.rows(database, user_ids, LIVE_PRESENCE_MEMBERS, HEARD_IN)
    return [Peers(_shown(row), row["peers"]) for row in rows]


async def people(database: Database, user_id: str, *, containing: str | None, limit: int) -> list[Person]:
    """Those with whom the user shares a conversation, who were met lately first; only those one of whose names holds
    `containing`, in any case. Of somebody in very many or very large conversations only the newest are looked at."""
    return [_shown(row) for row in await _PEOPLE.rows(database, user_id, containing or None, limit)]


def _shown(row: Row) -> Person:
    return Person(row["id"], row["handle"], row["display_name"], row["avatar_url"])
