"""Messages that wait for their time, as their author sees and changes them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from persistence.attachments import references
from persistence.attachments.references import Holder
from persistence.attachments.views import NoSuchFiles
from persistence.database.pool import Connection, Database, Pool, Query, Refused, Row, transaction
from persistence.members.views import NotAMember
from persistence.messages.held import AtLimit
from persistence.messages.shapes import NewMessage
from persistence.scheduled.views import (
    BadTime,
    Existing,
    Kept,
    NoSuchScheduled,
    Page,
    Place,
    Scheduled,
    SentAlready,
    State,
)

MOST: Final = 100
"""Of one user, that wait or failed."""
LATEST: Final = timedelta(days=365)

_COLUMNS: Final = "s.id, s.user_id, s.conversation_id, s.state, s.send_at, s.created_at, s.failure, s.draft"
_LISTED: Final = "s.ended_at IS NULL"

_IS_MEMBER = Query(
    "scheduling_member",
    "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL",
)

# The user's row lets one count after the other; it comes after files in the order of locks.
_COUNT = (
    Query("hold_scheduling_user", "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"),
    Query("count_scheduled", f"SELECT count(*) AS n FROM scheduled s WHERE s.user_id = $1 AND {_LISTED}"),
)

_INSERT = Query(
    "schedule_message",
    f"""
INSERT INTO scheduled AS s (user_id, id, conversation_id, send_at, created_at, due_at, state, draft)
SELECT $1, $2, $3, at, date_trunc('milliseconds', clock_timestamp()), at, 'waiting', $5
FROM date_trunc('milliseconds', $4::timestamptz) AS at
ON CONFLICT (user_id, id) DO NOTHING RETURNING {_COLUMNS}
""",
)

_READ = "SELECT {columns} FROM scheduled s WHERE s.user_id = $1 AND s.id = $2{lock}"
_ONE = Query("scheduled_message", _READ.format(columns=_COLUMNS, lock=""))
_HOLD = Query("hold_scheduled", _READ.format(columns=_COLUMNS, lock=" FOR NO KEY UPDATE"))

_PAGE = Query(
    "scheduled_page",
    f"""
SELECT {_COLUMNS} FROM scheduled s
WHERE s.user_id = $1 AND {_LISTED} AND ($2::timestamptz IS NULL OR (s.send_at, s.id) > ($2, $3::uuid))
ORDER BY s.send_at, s.id LIMIT $4
""",
)

_CHANGE = Query(
    "change_scheduled",
    f"""
UPDATE scheduled s SET draft = $3, send_at = date_trunc('milliseconds', $4::timestamptz),
    due_at = CASE WHEN $5::boolean THEN $4::timestamptz END, failure = $6,
    state = CASE WHEN $5::boolean THEN 'waiting' ELSE 'failed' END
WHERE s.user_id = $1 AND s.id = $2 RETURNING {_COLUMNS}
""",
)

_CANCEL = Query(
    "cancel_scheduled",
    """
UPDATE scheduled SET state = 'cancelled', draft = '{}', failure = NULL, due_at = NULL, ended_at = now()
WHERE user_id = $1 AND id = $2
""",
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode

CreateRefused = NotAMember | SentAlready | BadTime | AtLimit | NoSuchFiles
ChangeRefused = NoSuchScheduled | SentAlready | BadTime | NoSuchFiles


def scheduled_of(row: Row) -> Scheduled:
    """Of one that ended nothing is kept."""
    state = State(row["state"])
    kept = Kept(NewMessage()) if state in (State.SENT, State.CANCELLED) else _decode(row["draft"])
    place = row["id"], row["user_id"], row["conversation_id"]
    return Scheduled(*place, state, row["send_at"], row["created_at"], row["failure"], kept)


class New(NamedTuple):
    """The id is the caller's choice: the same again is the same message. `files` are ids."""

    id: str
    user_id: str
    conversation_id: str
    send_at: datetime
    kept: Kept
    files: Sequence[str]


async def create(pool: Pool, new: New) -> Scheduled | Existing | CreateRefused:
    """Keeps the message until its time, and its files with it."""
    try:
        async with transaction(pool) as connection:
            return await _create(connection, new)
    except Refused as refused:
        told: CreateRefused = refused.outcome
        return told


async def _create(connection: Connection, new: New) -> Scheduled | Existing | CreateRefused:
    """What is refused once something was locked or written is raised, which takes that back."""
    if await _IS_MEMBER.row(connection, new.conversation_id, new.user_id) is None:
        return NotAMember()
    known = await _ONE.row(connection, new.user_id, new.id)
    if known is not None:
        return _known(known)
    if not _is_possible(new.send_at):
        return BadTime()
    held = connection, new.user_id, new.files, Holder.SCHEDULED, new.id, new.conversation_id
    if new.files and not await references.hold(*held):
        raise Refused(NoSuchFiles())
    hold_user, count = _COUNT
    await hold_user.rows(connection, new.user_id)
    counted = await count.row(connection, new.user_id)
    if counted is not None and counted["n"] >= MOST:
        raise Refused(AtLimit(f"{MOST} scheduled messages"))
    place = new.user_id, new.id, new.conversation_id
    row = await _INSERT.row(connection, *place, new.send_at, _encode(new.kept).decode())
    if row is not None:
        return scheduled_of(row)
    known = await _ONE.row(connection, new.user_id, new.id)  # another request with this id was faster
    assert known is not None, "the id is taken"
    return _known(known)


def _known(row: Row) -> Existing | SentAlready:
    known = scheduled_of(row)
    return SentAlready() if known.state in (State.SENT, State.CANCELLED) else Existing(known)


def _is_possible(send_at: datetime) -> bool:
    return timedelta(0) < send_at - datetime.now(UTC) <= LATEST


async def read(database: Database, user_id: str, scheduled_id: str) -> Scheduled | NoSuchScheduled:
    row = await _ONE.row(database, user_id, scheduled_id)
    known = None if row is None else scheduled_of(row)
    return NoSuchScheduled() if known is None or known.state in (State.SENT, State.CANCELLED) else known


async def page(database: Database, user_id: str, *, after: Place | None, limit: int) -> Page:
    """Those that wait or failed, the next to be sent first."""
    below = (None, None) if after is None else (after.send_at, after.scheduled_id)
    rows = await _PAGE.rows(database, user_id, *below, limit + 1)
    found = [scheduled_of(row) for row in rows]
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, None)
    return Page(shown, Place(round(shown[-1].send_at.timestamp() * 1000), shown[-1].id))


class Change(NamedTuple):
    """`message` makes the new one of the old one, and may raise; `files` gives the ids of a message's files. `send_at`
    None: as it is, and one that failed stays so."""

    message: Callable[[NewMessage], NewMessage]
    files: Callable[[NewMessage], list[str]]
    send_at: datetime | None


async def change(pool: Pool, user_id: str, scheduled_id: str, wanted: Change) -> Scheduled | ChangeRefused:
    """Another text, or another time, as long as no worker has taken it."""
    try:
        async with transaction(pool) as connection:
            held = await _hold(connection, user_id, scheduled_id)
            return await _change(connection, held, wanted) if isinstance(held, Scheduled) else held
    except Refused as refused:
        told: ChangeRefused = refused.outcome
        return told


async def _change(connection: Connection, old: Scheduled, wanted: Change) -> Scheduled | ChangeRefused:
    if wanted.send_at is not None and not _is_possible(wanted.send_at):
        return BadTime()
    message = wanted.message(old.kept.message)
    before, files = wanted.files(old.kept.message), wanted.files(message)
    if files != before:
        await _keep(connection, old, files)
    waits = wanted.send_at is not None or old.state is State.WAITING
    kept = _encode(Kept(message, old.kept.base_url)).decode()
    changed = wanted.send_at or old.send_at, waits, None if waits else old.failure
    row = await _CHANGE.row(connection, old.user_id, old.id, kept, *changed)
    assert row is not None, "the row is locked"
    return scheduled_of(row)


async def _keep(connection: Connection, old: Scheduled, files: Sequence[str]) -> None:
    held = connection, old.user_id, files, Holder.SCHEDULED, old.id, old.conversation_id
    if files and not await references.hold(*held):
        raise Refused(NoSuchFiles())
    await references.release(connection, Holder.SCHEDULED, old.id, files)


async def cancel(pool: Pool, user_id: str, scheduled_id: str) -> Scheduled | NoSuchScheduled | SentAlready:
    """It is not sent; the same again is no error. Gives it as it was, or as cancelled before."""
    async with transaction(pool) as connection:
        held = await _hold(connection, user_id, scheduled_id, cancelled_too=True)
        if isinstance(held, Scheduled) and held.state is not State.CANCELLED:
            await references.release(connection, Holder.SCHEDULED, held.id)
            await _CANCEL.rows(connection, user_id, held.id)
        return held


async def _hold(
    connection: Connection, user_id: str, scheduled_id: str, *, cancelled_too: bool = False
) -> Scheduled | NoSuchScheduled | SentAlready:
    """Race: a worker takes only what nobody holds, and who waits for a worker finds that it took it."""
    row = await _HOLD.row(connection, user_id, scheduled_id)
    held = None if row is None else scheduled_of(row)
    if held is None or (held.state is State.CANCELLED and not cancelled_too):
        return NoSuchScheduled()
    return SentAlready() if held.state in (State.SENDING, State.SENT) else held
