"""Reports: each one is kept with its evidence, and raises the item that stands for what is reported in the queue."""

from datetime import datetime
from typing import NamedTuple

from prometheus_client import Counter

from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.database.view import View
from persistence.moderation import evidence, reasons
from persistence.moderation.evidence import Evidence, NotSeen, NotShared
from persistence.moderation.reasons import ReportReason
from shared.clock import iso
from shared.ids import new_id

REPORTS = Counter("parley_persistence_reports_total", "Reports of messages and people, by reason.", ["reason"])

_MADE = Query("report_made", "SELECT id, created_at FROM reports WHERE reporter_id = $1 AND target = $2")

# The row's lock orders those who report the same at once; the score is computed on what is read after it.
_ITEM = Query(
    "review_item",
    """
INSERT INTO review_items AS known (id, kind, conversation_id, message_id, user_id, evidence, context)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (kind, coalesce(message_id, user_id)) WHERE resolved_at IS NULL
DO UPDATE SET version = known.version + 1
RETURNING id, reports, reasons
""",
)
_RAISE = Query("review_raise", "UPDATE review_items SET reports = $2, reasons = $3, score = $4 WHERE id = $1")
_REPORT = Query(
    "report",
    """
INSERT INTO reports (id, item_id, reporter_id, target, reason, text, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (reporter_id, target) DO NOTHING RETURNING created_at
""",
)


class Target(NamedTuple):
    """A message in a conversation, with its key where the server cannot read it; or, without these, a user."""

    id: str
    conversation_id: str | None = None
    message_key: str | None = None


class Report(View, frozen=True):
    id: str
    created_at: str


class Reported(NamedTuple):
    """`is_new`: the same person did not report the same before."""

    report: Report
    is_new: bool


class _Overtaken(Exception):
    """The same person's same report was committed first: this one is taken back."""


async def report(
    pool: Pool, reporter: str, target: Target, reason: ReportReason, text: str | None
) -> Reported | NotShared | NotSeen:
    """Copies what is reported as it stands now."""
    try:
        async with transaction(pool) as connection:
            made = await _made(connection, reporter, target)
            return made or await _report(connection, reporter, target, reason, text)
    except _Overtaken:
        async with transaction(pool) as connection:
            made = await _made(connection, reporter, target)
        assert made is not None, "it was there a moment ago, and reports are kept for months"
        return made


async def _report(
    connection: Connection, reporter: str, target: Target, reason: ReportReason, text: str | None
) -> Reported | NotShared | NotSeen:
    found = await _evidence(connection, reporter, target)
    if not isinstance(found, Evidence):
        return found
    report_id = new_id()
    item_id = await _raise(connection, target, found, reason)
    row = await _REPORT.row(connection, report_id, item_id, reporter, target.id, reason, text, found.copy)
    if row is None:
        raise _Overtaken
    REPORTS.labels(reason.value).inc()
    return _reported(report_id, row["created_at"], is_new=True)


async def _evidence(connection: Connection, reporter: str, target: Target) -> Evidence | NotShared | NotSeen:
    if target.conversation_id is None:
        return await evidence.of_user(connection, reporter, target.id)
    return await evidence.of_message(connection, reporter, target.conversation_id, target.id, target.message_key)


async def _raise(connection: Connection, target: Target, found: Evidence, reason: ReportReason) -> str:
    kind, message_id = ("user", None) if target.conversation_id is None else ("message", target.id)
    item = await _ITEM.row(
        connection, new_id(), kind, target.conversation_id, message_id, found.user_id, found.copy, found.context
    )
    assert item is not None, "an upsert gives a row"
    count, named = item["reports"] + 1, sorted({*item["reasons"], reason.value})
    await _RAISE.rows(connection, item["id"], count, named, reasons.score(count, named))
    return str(item["id"])


async def _made(connection: Connection, reporter: str, target: Target) -> Reported | None:
    row = await _MADE.row(connection, reporter, target.id)
    return None if row is None else _reported(row["id"], row["created_at"], is_new=False)


def _reported(report_id: str, created_at: datetime, *, is_new: bool) -> Reported:
    return Reported(Report(report_id, iso(created_at)), is_new)
