"""Bringing a client up to date after any absence: what happened since, never with a hole that looks like none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from persistence.log import read
from persistence.log.rows import logged_of
from persistence.store.database import Database, Query, Row
from persistence.store.views import Reached, Sync, SyncedConversation
from shared.api import LIVE_PRESENCE_MEMBERS

NEWEST_EVENTS = 50
"""Of a conversation that the client does not name."""


class Bounds(NamedTuple):
    """Of one answer's events; the cursors of all the user's conversations are in each, so that its `asOf` holds.

    `bytes` of frames, and one frame more; at most `chunk` events are read at a time.
    """

    events: int = 2000
    bytes: int = 2 * 1024 * 1024
    chunk: int = 500


DEFAULT_BOUNDS = Bounds()


# One statement is one snapshot, and `as_of` its own. A message is reached by those who are in the conversation besides
# the user. What the user hid, and nothing came to since, is not among their conversations. Each one's cursors are told
# of groups in which every receipt is: between two the least is the other's own, and beyond it would cost too much.
_STATE = Query(
    "sync_state",
    """
SELECT meta.epoch, pg_snapshot_xmin(pg_current_snapshot())::text AS as_of, mine.*
FROM meta LEFT JOIN LATERAL (
    SELECT c.id, c.last_seq, p.read_seq, p.hidden_seq,
           greatest(c.last_ordinal - greatest(p.read_ordinal, p.hidden_ordinal), 0) AS unread_count,
           coalesce(others.delivered_up_to, c.last_seq) AS delivered_up_to,
           coalesce(others.read_up_to, c.last_seq) AS read_up_to,
           others.ids, others.delivered, others.read,
           greatest(p.moved_xid, others.moved_xid) >= $2::text::xid8 AS moved
    FROM participants p JOIN conversations c ON c.id = p.conversation_id CROSS JOIN LATERAL (
        SELECT min(o.delivered_seq) AS delivered_up_to, min(o.read_seq) AS read_up_to, max(o.moved_xid) AS moved_xid,
               array_agg(o.user_id) FILTER (WHERE c.members BETWEEN 3 AND $3) AS ids,
               array_agg(o.delivered_seq) FILTER (WHERE c.members BETWEEN 3 AND $3) AS delivered,
               array_agg(o.read_seq) FILTER (WHERE c.members BETWEEN 3 AND $3) AS read
        FROM participants o WHERE o.conversation_id = c.id AND o.user_id <> p.user_id AND o.left_at IS NULL
    ) AS others
    WHERE p.user_id = $1 AND p.left_at IS NULL AND (NOT p.hidden OR c.last_seq > p.hidden_seq)
) AS mine ON true
ORDER BY mine.id
""",
)


@dataclass
class _Catch:
    """What one conversation gets: the events after `start` up to `head`, as far as the answer's bounds let it."""

    start: int
    head: int
    reached: int
    frames: list[msgspec.Raw] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.reached == self.head


async def sync(
    database: Database,
    user_id: str,
    wanted: Mapping[str, int],
    as_of: int | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Sync:
    """What the user's client lacks that has each `wanted` conversation up to and with this seq.

    A conversation is told of if it has later events, if the client does not name it, or if a cursor in it moved since
    `as_of`, the number of an earlier answer (any did, without one). Each one's events begin right after the seq named,
    or with what the user still sees of it, or with the newest NEWEST_EVENTS, and have no hole; `first_seq` says where.
    A client that names a seq past the head has another history: it gets the newest events, as if it had named none.
    `left` are those named that are not, or no longer, in the user's list.
    """
    rows = await _STATE.rows(database, user_id, str(as_of or 0), LIVE_PRESENCE_MEMBERS)
    mine = {row["id"]: row for row in rows if row["id"] is not None}
    catches = {key: _catch(row, wanted.get(key)) for key, row in mine.items()}
    told = {key: catch for key, catch in catches.items() if _is_news(mine[key], catch, key in wanted)}
    await _fill(database, told, bounds)
    return Sync(
        epoch=rows[0]["epoch"],
        as_of=rows[0]["as_of"],
        conversations={key: _synced(mine[key], catch) for key, catch in told.items()},
        left=[key for key in wanted if key not in mine],
        complete=all(catch.complete for catch in told.values()),
    )


def _catch(row: Row, known_seq: int | None) -> _Catch:
    head = row["last_seq"]
    if known_seq is None or known_seq > head:
        known_seq = head - NEWEST_EVENTS
    start = max(known_seq, row["hidden_seq"], 0)
    return _Catch(start, head, reached=start)


def _is_news(row: Row, catch: _Catch, is_named: bool) -> bool:
    return not is_named or not catch.complete or bool(row["moved"])


async def _fill(database: Database, catches: Mapping[str, _Catch], bounds: Bounds) -> None:
    """Reads events, conversation by conversation, until all have theirs, a bound is met, or a row is missing."""
    events_left, bytes_left = bounds.events, bounds.bytes
    while ranges := _next_ranges(catches, min(bounds.chunk, events_left)):
        rows = await read.between(database, ranges, bytes_left)
        frames = _take(catches, rows, bytes_left)
        if len(frames) < sum(up_to - after for _, after, up_to in ranges):
            return
        events_left -= len(frames)
        bytes_left -= sum(map(len, frames))


def _next_ranges(catches: Mapping[str, _Catch], most: int) -> list[tuple[str, int, int]]:
    """What to read next, (conversation, after, up to): at most so many events."""
    ranges = []
    for key, catch in catches.items():
        up_to = min(catch.head, catch.reached + most)
        if up_to > catch.reached:
            ranges.append((key, catch.reached, up_to))
            most -= up_to - catch.reached
    return ranges


def _take(catches: Mapping[str, _Catch], rows: Sequence[Row], bytes_left: int) -> list[bytes]:
    """Gives each conversation its events, none behind a hole, while there are bytes left. Returns those it gave."""
    taken: list[bytes] = []
    for row in rows:
        catch = catches[row["conversation_id"]]
        event = logged_of(row) if bytes_left > 0 and row["seq"] == catch.reached + 1 else None
        if event is not None:
            frame = event.frame()
            catch.frames.append(msgspec.Raw(frame))
            catch.reached += 1
            taken.append(frame)
            bytes_left -= len(frame)
    return taken


def _synced(row: Row, catch: _Catch) -> SyncedConversation:
    return SyncedConversation(
        events=catch.frames,
        first_seq=catch.start + 1,
        last_seq=catch.reached,
        complete=catch.complete,
        read_seq=row["read_seq"],
        unread_count=row["unread_count"],
        delivered_up_to=row["delivered_up_to"],
        read_up_to=row["read_up_to"],
        cursors=_cursors(row),
    )


def _cursors(row: Row) -> dict[str, Reached] | None:
    if row["ids"] is None:
        return None
    each = zip(row["ids"], row["delivered"], row["read"], strict=True)
    return {user_id: Reached(delivered, read) for user_id, delivered, read in each}
