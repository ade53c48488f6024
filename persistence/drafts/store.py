"""Drafts: one for each of a user's conversations, and of two that are written at once the newer stands everywhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from persistence.attachments import references
from persistence.attachments.views import NoSuchFiles
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.view import View
from persistence.members.views import NotAMember
from persistence.messages.held import AtLimit
from shared.clock import iso

MOST = 200
"""Drafts of one user."""

_COLUMNS = "d.conversation_id, d.text, d.reply_to, d.attachments, d.updated_at"

# The weakest lock that a purge waits for: a draft must not be written into a conversation that is being removed, and a
# send of the same user is not held up. Then one of the user's drafts alone, before the files that these hold: so two
# devices neither take the last place both, nor hold files for a draft that does not stand.
_HOLD = (
    Query(
        "hold_draft_member",
        "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL FOR KEY SHARE",
    ),
    Query("hold_drafts", "SELECT pg_advisory_xact_lock(hashtextextended('drafts ' || $1::uuid, 0))"),
)

_READ = Query("draft", f"SELECT {_COLUMNS} FROM drafts d WHERE d.conversation_id = $1 AND d.user_id = $2")
_COUNT = Query("count_drafts", "SELECT count(*) AS n FROM drafts WHERE user_id = $1 AND text IS NOT NULL")

# A clock that is ahead must not win against all later words: what lies in the future was written now.
_NOW = Query("draft_time", "SELECT date_trunc('milliseconds', least($1::timestamptz, clock_timestamp())) AS at")

_PUT = Query(
    "put_draft",
    f"""
INSERT INTO drafts AS d (conversation_id, user_id, text, reply_to, attachments, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (conversation_id, user_id) DO UPDATE
SET text = excluded.text, reply_to = excluded.reply_to, attachments = excluded.attachments,
    updated_at = excluded.updated_at
RETURNING {_COLUMNS}
""",
)

_LIST = Query(
    "drafts",
    f"""
SELECT {_COLUMNS} FROM drafts d
JOIN participants p ON p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND p.left_at IS NULL
WHERE d.user_id = $1 AND d.text IS NOT NULL ORDER BY d.updated_at DESC, d.conversation_id LIMIT {MOST}
""",
)


class Draft(View, frozen=True):
    """What its user has begun to write in a conversation; `text` None: nothing any more."""

    conversation_id: str
    text: str | None
    reply_to: str | None
    attachments: list[str]
    updated_at: str

    @property
    def is_gone(self) -> bool:
        return self.text is None


class Wanted(NamedTuple):
    """A draft as a device has it; `text` None: it is gone. `updated_at` is that device's clock."""

    text: str | None
    reply_to: str | None
    attachments: Sequence[str]
    updated_at: datetime


class Stands(NamedTuple):
    """How it stands; None: there was never one. `is_news`: it is what was just put."""

    draft: Draft | None
    is_news: bool


class Refused(Exception):
    """Carries the outcome; raised where something was locked or held, which is thereby taken back."""

    def __init__(self, outcome: AtLimit | NoSuchFiles) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


async def put(
    pool: Pool, conversation_id: str, user_id: str, wanted: Wanted
) -> Stands | NotAMember | AtLimit | NoSuchFiles:
    """The newest stands: where another one is as new or newer, that one is given and nothing changes. A draft holds its
    files: they must be the user's, ready, unused, and made for this conversation."""
    try:
        async with transaction(pool) as connection:
            return await _put(connection, conversation_id, user_id, wanted)
    except Refused as refused:
        return refused.outcome


async def _put(connection: Connection, conversation_id: str, user_id: str, wanted: Wanted) -> Stands | NotAMember:
    hold_member, hold_drafts = _HOLD
    if await hold_member.row(connection, conversation_id, user_id) is None:
        return NotAMember()
    await hold_drafts.rows(connection, user_id)
    before = await _READ.row(connection, conversation_id, user_id)
    [now] = await _NOW.rows(connection, wanted.updated_at)
    if before is not None and before["updated_at"] >= now["at"]:
        return Stands(_known(before), is_news=False)
    if _takes_place(wanted, before) and await _is_full(connection, user_id):
        raise Refused(AtLimit(f"{MOST} drafts"))
    await _hold_files(connection, conversation_id, user_id, wanted, before)
    fields = wanted.text, wanted.reply_to, list(wanted.attachments), now["at"]
    [row] = await _PUT.rows(connection, conversation_id, user_id, *fields)
    # An end without a draft is kept all the same: an older one that some device still has comes too late then.
    return Stands(None, is_news=False) if before is None and wanted.text is None else Stands(_known(row), is_news=True)


async def _hold_files(
    connection: Connection, conversation_id: str, user_id: str, wanted: Wanted, before: Row | None
) -> None:
    key = str(uuid5(UUID(conversation_id), user_id))
    held = connection, user_id, wanted.attachments, references.Holder.DRAFT, key, conversation_id
    if wanted.attachments and not await references.hold(*held):
        raise Refused(NoSuchFiles())
    if before is not None and before["attachments"]:
        await references.release(connection, references.Holder.DRAFT, key, wanted.attachments)


def _takes_place(wanted: Wanted, before: Row | None) -> bool:
    return wanted.text is not None and (before is None or before["text"] is None)


async def _is_full(connection: Connection, user_id: str) -> bool:
    row = await _COUNT.row(connection, user_id)
    assert row is not None, "a count has a row"
    return int(row["n"]) >= MOST


async def listed(database: Database, user_id: str) -> list[Draft]:
    """The user's drafts, the latest first; none of a conversation that they are not in."""
    return [_known(row) for row in await _LIST.rows(database, user_id)]


def _known(row: Row) -> Draft:
    return Draft(row["conversation_id"], row["text"], row["reply_to"], row["attachments"], iso(row["updated_at"]))
