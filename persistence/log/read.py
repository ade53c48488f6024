"""Reading the log: the events of a gap, of many conversations for a sync, and those that the outbox names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from persistence.database.pool import Database, Query, Row, columns
from persistence.log.logged import Key, Logged
from persistence.log.rows import COLUMNS, log_where, logged_of, unbroken
from shared.api import MAX_EVENTS, EventsAnswer, LoggedEvent
from shared.clock import to_us

MOST_BYTES = 2 * 1024 * 1024
"""Of one answer's events, and one event more: a single one may have 1 MiB."""


def _within(conversation: str, after: str, up_to: str) -> str:
    return log_where(f"{{e}}.conversation_id = {conversation} AND {{e}}.seq > {after} AND {{e}}.seq <= {up_to}")


_EVENTS = Query(
    "events",
    f"""
SELECT c.last_seq, meta.epoch, around.*, {COLUMNS}
FROM conversations c CROSS JOIN meta CROSS JOIN LATERAL (
    SELECT array(SELECT w.id FROM unnest($5::uuid[]) AS w(id) WHERE (
               SELECT true FROM participants p
               WHERE p.conversation_id = c.id AND p.user_id = w.id AND p.left_at IS NULL) IS NULL) AS outside,
           CASE WHEN c.last_ordinal = c.last_seq THEN least(c.last_seq, $6) ELSE coalesce((
               SELECT m.seq FROM messages m WHERE m.conversation_id = c.id AND m.seq <= $6
               ORDER BY m.seq DESC LIMIT 1), 0) END AS counted
) AS around LEFT JOIN LATERAL (
    SELECT *, sum(size) OVER (ORDER BY seq) - size AS before
    FROM ({_within("c.id", "$2", "$3")}) AS log
) AS l ON l.before < $4 LEFT JOIN users u ON u.id = l.sender_id
WHERE c.id = $1 ORDER BY l.seq
""",
)

_BETWEEN = Query(
    "sync_events",
    f"""
SELECT {COLUMNS} FROM (
    SELECT log.*, sum(log.size) OVER (ORDER BY log.conversation_id, log.seq) - log.size AS before
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS w(conversation_id, after, up_to)
    CROSS JOIN LATERAL ({_within("w.conversation_id", "w.after", "w.up_to")}) AS log
) AS l LEFT JOIN users u ON u.id = l.sender_id
WHERE l.before < $4
ORDER BY l.conversation_id, l.seq
""",
)

_BY_SEQ = Query(
    "events_by_seq",
    f"""
SELECT w.conversation_id AS named, w.seq AS named_seq, c.id IS NULL AS purged, {COLUMNS}
FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq)
LEFT JOIN conversations c ON c.id = w.conversation_id LEFT JOIN LATERAL (
    {log_where("{e}.conversation_id = w.conversation_id AND {e}.seq = w.seq")}
) AS l ON true LEFT JOIN users u ON u.id = l.sender_id
ORDER BY w.conversation_id, w.seq
""",
)


class Found(NamedTuple):
    """Of the events asked for: those that are here, in order, and those whose conversation is gone.

    One that is neither is of a kind that this release does not know, or its row is missing: nobody may forget it.
    """

    logged: list[Logged]
    purged: list[Key]

    @property
    def keys(self) -> list[Key]:
        return [*(event.key for event in self.logged), *self.purged]


async def events(
    database: Database,
    conversation_id: str,
    *,
    after: int,
    up_to: int,
    limit: int = MAX_EVENTS,
    users: Sequence[str] = (),
) -> EventsAnswer | None:
    """The events with after < seq <= up_to, at most `limit` and about MOST_BYTES, from after + 1 on without a hole; and
    which of the `users` are not in the conversation, in the same snapshot.

    `complete` is true only if the last one given is `up_to`. None: there is no such conversation.
    """
    # Every seq has one event, so the limit is a seq too.
    end = min(up_to, after + limit)
    rows = await _EVENTS.rows(database, conversation_id, after, end, MOST_BYTES, users, up_to)
    if not rows:
        return None
    found = unbroken([row for row in rows if row["seq"] is not None], after)
    return EventsAnswer(
        epoch=rows[0]["epoch"],
        events=[_told(event) for event in found],
        last_seq=rows[0]["last_seq"],
        complete=after + len(found) >= up_to,
        outside=rows[0]["outside"],
        counted=rows[0]["counted"],
    )


class Page(NamedTuple):
    """`complete`: the last of them is the log's head."""

    events: list[Logged]
    complete: bool


async def page(database: Database, conversation_id: str, *, after: int, limit: int) -> Page | None:
    """The events that follow this seq, at most `limit` and about MOST_BYTES, without a hole; what retention took from
    the log's beginning is passed over. None: there is no such conversation."""
    rows = await _EVENTS.rows(database, conversation_id, after, after + limit, MOST_BYTES, [], after + limit)
    if not rows:
        return None
    there = [row for row in rows if row["seq"] is not None]
    found = unbroken(there, there[0]["seq"] - 1) if there else []
    return Page(found, complete=not found or found[-1].seq >= rows[0]["last_seq"])


async def between(database: Database, ranges: Sequence[tuple[str, int, int]], most_bytes: int) -> list[Row]:
    """The rows of the ranges (conversation, after, up to), in order, for `logged_of`; about `most_bytes` of them."""
    return await _BETWEEN.rows(database, *columns(ranges, 3), most_bytes)


async def by_seq(database: Database, keys: Sequence[Key], spans: Mapping[Key, bytes]) -> Found:
    """The events of these names, in order. Each has the span that is given for it."""
    found = Found([], [])
    for row in await _BY_SEQ.rows(database, *columns(keys, 2)):
        key = (row["named"], row["named_seq"])
        event = None if row["seq"] is None else logged_of(row, spans.get(key))
        if row["purged"]:
            found.purged.append(key)
        elif event is not None:
            found.logged.append(event)
    return found


def _told(event: Logged) -> LoggedEvent:
    return LoggedEvent(
        seq=event.seq,
        sender_id=event.sender_id,
        committed_us=to_us(datetime.fromisoformat(event.at)),
        frame=msgspec.Raw(event.frame()),
        flags=event.flags,
        removed=list(event.removed),
    )
