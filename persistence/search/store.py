"""Searching: the caller's own conversations alone, above where their view of each begins, the newest match first."""

from collections.abc import Sequence
from typing import NamedTuple

from prometheus_client import Counter, Histogram

from persistence.database.pool import Connection, Pool, Query, Row, columns, snapshot
from persistence.database.visibility import BEGINS
from persistence.messages.rows import REACH, with_status
from persistence.messages.rows import columns as message_columns
from persistence.search.excerpts import excerpt
from persistence.search.folding import fold
from persistence.search.merge import Merge, Merged
from persistence.search.place import Place
from persistence.search.rows import IS_SEARCHED, body_of, searched
from persistence.search.scan import Room, Scan, rooms
from persistence.search.views import NotYours, Result, Results
from persistence.search.wanted import Wanted

SEARCHES = Counter("parley_persistence_searches_total", "Searches, by whether a bound ended them.", ["complete"])
SEARCH_SECONDS = Histogram("parley_persistence_search_seconds", "Seconds that a search took.")

_MESSAGES = Query(
    "search_messages",
    f"""
WITH room AS MATERIALIZED (
    SELECT c.id, c.last_seq, {BEGINS} AS begins, reach.*
    FROM (SELECT DISTINCT unnest($2::uuid[]) AS id) AS named JOIN conversations c ON c.id = named.id
    JOIN participants p ON p.conversation_id = c.id AND p.user_id = $1 AND p.left_at IS NULL
    CROSS JOIN LATERAL ({REACH.format(conversation="c.id", viewer="$1")}) AS reach
)
SELECT room.last_seq, room.delivered_up_to, room.read_up_to, {message_columns("$1")}
FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS w(conversation_id, seq, nth)
JOIN room ON room.id = w.conversation_id
JOIN messages m ON m.conversation_id = w.conversation_id AND m.seq = w.seq
    AND m.seq > room.begins AND {IS_SEARCHED}
LEFT JOIN users u ON u.id = m.sender_id ORDER BY w.nth
""",
)


class Asked(NamedTuple):
    """Where to look: within one conversation, of one sender, at most so many, below a place."""

    conversation_id: str | None = None
    sender_id: str | None = None
    limit: int = 20
    below: Place | None = None


async def search(pool: Pool, user_id: str, wanted: Wanted, asked: Asked) -> Results | NotYours:
    """All of it is one snapshot. Bounded as `merge` tells."""
    with SEARCH_SECONDS.time():
        async with snapshot(pool) as connection:
            found = await rooms(connection, user_id, asked.conversation_id)
            if asked.conversation_id is not None and not found.is_member:
                return NotYours()
            wanted = wanted._replace(people=tuple(user_id if one == "me" else one for one in wanted.people))
            merged = await _merged(connection, user_id, _chosen(found.rooms, wanted), wanted, asked)
            results = await _results(connection, user_id, wanted, merged)
    SEARCHES.labels(str(merged.complete).lower()).inc()
    return results


async def _merged(connection: Connection, user_id: str, chosen: Sequence[Room], wanted: Wanted, asked: Asked) -> Merged:
    if wanted.is_nothing and asked.sender_id is None and asked.conversation_id is None:
        return Merged([], None, True)
    scan = Scan(connection, user_id, chosen, wanted, asked.sender_id)
    return await Merge([_top(room, wanted, asked) for room in chosen], asked.limit, scan.read).run()


def _chosen(found: Sequence[Room], wanted: Wanted) -> list[Room]:
    if not wanted.rooms:
        return list(found)
    return [room for room in found if any(name == room.id or name in fold(room.name or "") for name in wanted.rooms)]


def _top(room: Room, wanted: Wanted, asked: Asked) -> Place:
    tops = [room.top]
    if asked.below is not None:
        tops.append(asked.below.within(room.id))
    if wanted.before is not None:
        tops.append(Place.before(wanted.before, room.id))
    return min(tops)


async def _results(connection: Connection, user_id: str, wanted: Wanted, merged: Merged) -> Results:
    places = [(place.conversation_id, place.seq) for place in merged.places]
    rows = await _MESSAGES.rows(connection, user_id, *columns(places, 2)) if places else []
    # A row of `search` is a hint: what an older release edited without a word to it is judged by its own text.
    true = [row for row in rows if all(word in body_of(row) for word in wanted.words)]
    heads = {row["conversation_id"]: row["last_seq"] for row in true}
    return Results([_result(row, wanted.words) for row in true], heads, merged.next, merged.complete)


def _result(row: Row, words: Sequence[str]) -> Result:
    parts = searched(row)
    shown = next((part for part in parts if any(word in fold(part) for word in words)), parts[0])
    return Result(row["conversation_id"], with_status(row), excerpt(shown, words))
