"""The log as SQL, and the event that a row of it makes.

The log is `messages` and `events` by seq. That union is a text here and no view of the database: a view would go on
reading the old table after partitioning put another in its place, would show all messages to the holders of Supabase's
anon key (Postgres 13 and 14 know no view with its caller's rights), and could not follow a column without a migration.
"""

from collections.abc import Sequence

from persistence.database.pool import Row
from persistence.database.visibility import gone_as, gone_at
from persistence.log.logged import Logged
from persistence.log.state import state_of
from shared.clock import iso
from shared.events.kind import EventKind, Name
from shared.events.kinds import BY_CODE, KINDS
from shared.events.message_new import MESSAGE_NEW

KNOWN: list[int] = sorted(BY_CODE)
"""What this release can read. An event of another code is as if its row were not there yet."""

NAMES = """CASE WHEN e.named IS NOT NULL THEN (
               SELECT array_agg(ARRAY[n.id::text, n.handle, n.display_name])
               FROM users n WHERE n.id = ANY (e.named)) END
           AS names"""
"""Of an event `e`: what the people whom it names are called."""

_SHOWING = ", ".join(str(kind.code) for kind in KINDS if kind.shows_message or kind.erased)
STATE = f"""m.text, m.client_id, m.reply_to, m.media_url, m.created_at AS sent_at, m.opaque, m.is_pinned, m.rev,
       m.edited_at, {gone_at("m")} AS deleted_at, m.deleted_by, {gone_as("m")} AS deleted_as, m.reactions, m.data,
       m.extra, m.expires_at, m.attachments, m.placeholder"""
"""Of a message `m` as it stands: what its event shows, and every other event whose kind shows the message. One past its
time has all its columns until the sweeper comes by: `state_of` shows none of them."""


def log_where(condition: str) -> str:
    """All of the log where `condition` holds of a row `{e}`: for a LATERAL join, so that both tables are read by their
    keys. `size` is about how many bytes the event takes."""
    return f"""
    SELECT m.conversation_id, m.seq, {MESSAGE_NEW.code}::bigint AS kind, m.sender_id, m.created_at, m.id AS message_id,
           0::bigint AS people, NULL::uuid[] AS removed, NULL::bytea AS stored, octet_length(m.text) AS size,
           NULL::text[] AS names, {STATE}
    FROM messages m WHERE {condition.format(e="m")}
    UNION ALL
    SELECT e.conversation_id, e.seq, e.kind, e.sender_id, e.created_at, e.message_id,
           e.people, e.removed, e.body, octet_length(e.body) AS size, {NAMES}, {STATE}
    FROM events e LEFT JOIN messages m
        ON e.kind IN ({_SHOWING}) AND m.conversation_id = e.conversation_id AND m.id = e.message_id
    WHERE {condition.format(e="e")}
    """


COLUMNS = "l.*, u.handle AS sender_handle"
"""Of a query that has the log as `l` and the senders as `u`."""


def logged_of(row: Row, span: bytes | None = None) -> Logged | None:
    """The event of a row that has COLUMNS, whatever else the row has. None for a kind that is unknown here."""
    kind = BY_CODE.get(row["kind"])
    return None if kind is None else logged_as(kind, row, span)


def logged_as(kind: EventKind, row: Row, span: bytes | None = None) -> Logged:
    """The event of a row that has COLUMNS and is of this kind."""
    return Logged(
        conversation_id=row["conversation_id"],
        seq=row["seq"],
        kind=kind,
        sender_id=row["sender_id"],
        at=iso(row["created_at"]),
        body=_body(kind, row),
        message_id=row["message_id"],
        span=span,
        people=row["people"],
        removed=tuple(row["removed"] or ()),
    )


def _body(kind: EventKind, row: Row) -> bytes:
    """What was stored, with the message as it stands where the kind shows that."""
    stored: bytes | None = row["stored"]
    if kind.erased and stored and row["deleted_at"] is not None:
        return kind.erased(stored)
    if kind.with_names and stored and row["names"]:
        return kind.with_names(stored, {user_id: Name(*names) for user_id, *names in row["names"]})
    if not kind.shows_message or row["sent_at"] is None:  # None: a message that is gone, of which nothing else is left
        return stored or b"{}"
    state = state_of(row, is_news=kind is MESSAGE_NEW)
    return state if stored is None or len(stored) <= len(b"{}") else stored[:-1] + b"," + state[1:]


def unbroken(rows: Sequence[Row], after: int) -> list[Logged]:
    """The events before the first hole: what comes behind one must not look as if nothing was missing."""
    found: list[Logged] = []
    for row in rows:
        event = logged_of(row) if row["seq"] == after + len(found) + 1 else None
        if event is None:
            break
        found.append(event)
    return found
