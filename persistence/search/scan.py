"""Reading the `search` rows of the caller's conversations, and judging what matches by the messages themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from persistence.database.pool import Connection, Query, Row
from persistence.database.visibility import BEGINS, BEGINS_ORDINAL, is_hidden, stays
from persistence.search.merge import Found, Part
from persistence.search.place import Place
from persistence.search.rows import IS_SEARCHED
from persistence.search.wanted import Wanted
from shared.http.fields import MAX_SEQ

# `since`: the time of the first message that the caller sees, so that none below it is read.
_ROOMS = Query(
    "search_rooms",
    f"""
SELECT p.conversation_id AS id, p.left_at IS NOT NULL AS is_out, {BEGINS} AS begins,
       c.last_ordinal > {BEGINS_ORDINAL} AS has_any, greatest(c.latest_at, c.updated_at) AS latest, c.name,
       p.hid_messages AS hid,
       CASE WHEN {BEGINS} > 0 THEN (
           SELECT m.created_at FROM messages m WHERE m.conversation_id = c.id AND m.seq > {BEGINS}
           ORDER BY m.seq LIMIT 1) END AS since
FROM participants p JOIN conversations c ON c.id = p.conversation_id
WHERE p.user_id = $1 AND {stays("p")} AND ($2::uuid IS NULL OR p.conversation_id = $2)
""",
)

# Only for what matches, the message is looked up: LIKE is judged first, and so nothing is joined.
PARTS = Query(
    "search_parts",
    f"""
SELECT count(*) AS rows, min(read.created_at) AS last_at, min(read.seq) AS last_seq,
       array_agg(read.created_at) FILTER (WHERE read.matches) AS times,
       array_agg(read.seq) FILTER (WHERE read.matches) AS seqs
FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bigint[], $7::boolean[])
    WITH ORDINALITY AS w(conversation_id, below, below_seq, rows, since, begins, hid, nth)
LEFT JOIN LATERAL (
    SELECT s.created_at, s.seq, CASE WHEN s.body LIKE ALL ($8::text[]) THEN (
        SELECT true FROM messages m
        WHERE m.conversation_id = s.conversation_id AND m.seq = s.seq AND {IS_SEARCHED}
            AND ($10::uuid IS NULL OR m.sender_id = $10)
            AND ($11::text[] IS NULL OR m.sender_id::text = ANY ($11) OR (
                SELECT lower(u.handle) FROM users u WHERE u.id = m.sender_id) = ANY ($11))
            AND (NOT $12 OR m.media_url IS NOT NULL OR m.attachments IS NOT NULL)
            AND (NOT $13 OR (m.text ~* 'https?://' OR m.extra LIKE '%"preview":%'))
            AND (CASE WHEN w.hid THEN {is_hidden("m", "$9")} END) IS NULL) END AS matches
    FROM search s
    WHERE s.conversation_id = w.conversation_id AND (s.created_at, s.seq) < (w.below, w.below_seq)
        AND s.created_at >= w.since AND s.seq > w.begins
    ORDER BY s.created_at DESC, s.seq DESC LIMIT w.rows
) AS read ON true
GROUP BY w.nth ORDER BY w.nth
""",
)


class Room(NamedTuple):
    """A conversation of the caller's. `top`: no message lies above it; `begins` and `since`: none below is seen; `hid`:
    the caller hid some of them."""

    id: str
    name: str | None
    top: Place
    since: datetime
    begins: int
    hid: bool


class Rooms(NamedTuple):
    """Those with anything to find. `is_member`: of the one asked for, also where there is nothing."""

    rooms: list[Room]
    is_member: bool


_EVER = datetime.fromisoformat("0001-01-01T00:00:00Z")


async def rooms(connection: Connection, user_id: str, only: str | None) -> Rooms:
    """The conversations in which the user finds anything: not those that they are out of, by a block of theirs too."""
    rows = await _ROOMS.rows(connection, user_id, only)
    seen = [row for row in rows if not row["is_out"] and row["has_any"]]
    return Rooms([_room(row) for row in seen if row["begins"] == 0 or row["since"]], bool(rows))


def _room(row: Row) -> Room:
    top = Place(row["latest"], row["id"], MAX_SEQ)
    return Room(row["id"], row["name"], top, row["since"] or _EVER, row["begins"], row["hid"])


class Scan:
    """Reads for a `Merge`: the parts of these rooms, and which rows in them the caller may see and wants."""

    def __init__(
        self, connection: Connection, user_id: str, rooms: Sequence[Room], wanted: Wanted, sender: str | None
    ) -> None:
        self._connection = connection
        self._rooms = rooms
        self._after = wanted.after
        self._conditions = (
            [f"%{_literal(word)}%" for word in wanted.words],
            user_id,
            sender,
            list(wanted.people) or None,
            "attachment" in wanted.has,
            "link" in wanted.has,
        )

    async def read(self, parts: Sequence[Part]) -> list[Found]:
        rows = await PARTS.rows(self._connection, *self.arguments(parts))
        return [_found(row, self._rooms[part.room].id) for row, part in zip(rows, parts, strict=True)]

    def arguments(self, parts: Sequence[Part]) -> list[Any]:
        """Of PARTS."""
        rooms = [self._rooms[part.room] for part in parts]
        return [
            [room.id for room in rooms],
            [part.below.at for part in parts],
            [part.below.seq for part in parts],
            [part.rows for part in parts],
            [self._since(room) for room in rooms],
            [room.begins for room in rooms],
            [room.hid for room in rooms],
            *self._conditions,
        ]

    def _since(self, room: Room) -> datetime:
        return room.since if self._after is None else max(room.since, self._after + timedelta(microseconds=1))


def _found(row: Row, conversation_id: str) -> Found:
    if row["last_at"] is None:
        return Found(0, None, ())
    matches = [Place(at, conversation_id, seq) for at, seq in zip(row["times"] or (), row["seqs"] or (), strict=True)]
    return Found(row["rows"], Place(row["last_at"], conversation_id, row["last_seq"]), matches)


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
