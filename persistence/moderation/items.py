"""The queue of moderators: what was reported, or waits to be sent, the highest score first, then the oldest."""

from typing import Any

import msgspec

from persistence.database.pool import Connection, Database, Query, Row
from persistence.moderation.views import (
    Author,
    Claimed,
    Item,
    NoSuchItem,
    OneReport,
    Page,
    Place,
    WholeItem,
)
from shared.clock import iso, iso_or_none, to_us

CLAIM_MINUTES = 15
MOST_MUTED = 100
"""Conversations in which an author is muted, of those that an item names."""
MOST_REPORTS = 100
"""Of one item, that are shown: the first ones."""

_IS_CLAIMED = "i.resolved_at IS NULL AND i.claimed_until > now()"
_STATE = f"CASE WHEN i.resolved_at IS NOT NULL THEN 'resolved' WHEN {_IS_CLAIMED} THEN 'claimed' ELSE 'open' END"
_ITEM = f"""
SELECT i.*, {_STATE} AS state, CASE WHEN {_IS_CLAIMED} THEN i.claimed_by END AS holder, u.handle,
       u.banned_at IS NOT NULL AND (u.banned_until IS NULL OR u.banned_until > now()) AS banned, u.banned_until,
       ARRAY(SELECT p.conversation_id::text FROM participants p
             WHERE p.user_id = i.user_id AND p.silenced_until > now()
             ORDER BY p.conversation_id LIMIT {MOST_MUTED}) AS muted_in,
       (SELECT count(*) FROM notices n WHERE n.user_id = i.user_id AND n.created_at < i.created_at) AS prior_actions
FROM review_items i LEFT JOIN users u ON u.id = i.user_id
"""

# Without a state: all that is not resolved.
_PAGE = Query(
    "review_page",
    f"""
{_ITEM}
WHERE CASE $1::text WHEN 'resolved' THEN i.resolved_at IS NOT NULL WHEN 'claimed' THEN {_IS_CLAIMED}
        WHEN 'open' THEN i.resolved_at IS NULL AND ({_IS_CLAIMED}) IS NOT TRUE ELSE i.resolved_at IS NULL END
    AND ($2::text IS NULL OR i.kind = $2) AND ($3::uuid IS NULL OR i.user_id = $3)
    AND ($4::bigint IS NULL OR i.score < $4 OR (i.score = $4 AND (i.created_at, i.id) > (
        timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::uuid)))
ORDER BY i.score DESC, i.created_at, i.id LIMIT $7
""",
)
_ONE = Query("review_one", f"{_ITEM} WHERE i.id = $1")
_REPORTS = Query(
    "review_reports", f"SELECT * FROM reports WHERE item_id = $1 ORDER BY created_at, id LIMIT {MOST_REPORTS}"
)
_CLAIM = Query(
    "review_claim",
    f"""
UPDATE review_items i SET claimed_by = $2, claimed_until = now() + interval '{CLAIM_MINUTES} minutes'
WHERE i.id = $1 AND i.resolved_at IS NULL AND (({_IS_CLAIMED}) IS NOT TRUE OR i.claimed_by = $2) RETURNING i.id
""",
)
_HOLD = Query("review_hold", "SELECT id FROM review_items WHERE id = $1 FOR NO KEY UPDATE")
_CLOSE = Query(
    "review_close",
    """
UPDATE review_items SET action = $2, reason = $3, note = $4, resolved_by = $5, version = version + 1,
    resolved_at = date_trunc('milliseconds', clock_timestamp())
WHERE id = $1
""",
)


async def page(
    database: Database,
    *,
    state: str | None,
    kind: str | None,
    user_id: str | None,
    after: Place | None,
    limit: int,
) -> Page:
    place: tuple[Any, Any, Any] = after or (None, None, None)
    rows = await _PAGE.rows(database, state, kind, user_id, *place, limit + 1)
    items = [_item(row) for row in rows[:limit]]
    return Page(items, _place(rows[limit - 1]) if len(rows) > limit else None)


async def one(database: Database, item_id: str) -> WholeItem | NoSuchItem:
    row = await _ONE.row(database, item_id)
    return NoSuchItem() if row is None else _whole(row)


async def reports_of(database: Database, item_id: str) -> list[OneReport]:
    """The first MOST_REPORTS of them."""
    return [
        OneReport(
            row["id"],
            row["reporter_id"],
            row["reason"],
            row["text"],
            msgspec.Raw(row["evidence"].encode()),
            iso(row["created_at"]),
        )
        for row in await _REPORTS.rows(database, item_id)
    ]


async def claim(database: Database, item_id: str, by: str) -> WholeItem | NoSuchItem | Claimed:
    """Nobody else claims or resolves it for CLAIM_MINUTES. One that is resolved stays as it is."""
    claimed = await _CLAIM.row(database, item_id, by)
    found = await one(database, item_id)
    if claimed is None and isinstance(found, WholeItem) and found.claimed_by not in (None, by):
        return Claimed(found.claimed_by or "")
    return found


async def hold(connection: Connection, item_id: str) -> WholeItem | NoSuchItem:
    """Locks the item until the transaction ends: before any other row."""
    return NoSuchItem() if await _HOLD.row(connection, item_id) is None else await one(connection, item_id)


async def close(
    connection: Connection, item_id: str, by: str, action: str, reason: str | None, note: str | None
) -> None:
    """Of one that the transaction holds."""
    await _CLOSE.rows(connection, item_id, action, reason, note, by)


def _place(row: Row) -> Place:
    return Place(row["score"], to_us(row["created_at"]), row["id"])


def _whole(row: Row) -> WholeItem:
    evidence, context = (msgspec.Raw(row[name].encode()) for name in ("evidence", "context"))
    return WholeItem(**msgspec.structs.asdict(_item(row)), evidence=evidence, context=context)


def _item(row: Row) -> Item:
    return Item(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        score=row["score"],
        reports=row["reports"],
        reasons=row["reasons"],
        target=row["message_id"] or row["user_id"],
        conversation_id=row["conversation_id"],
        claimed_by=row["holder"],
        author=_author(row),
        created_at=iso(row["created_at"]),
        version=row["version"],
        action=row["action"],
        reason=row["reason"],
        note=row["note"],
        resolved_by=row["resolved_by"],
        resolved_at=iso_or_none(row["resolved_at"]),
    )


def _author(row: Row) -> Author:
    until = iso_or_none(row["banned_until"]) if row["banned"] else None
    return Author(row["user_id"], row["handle"], row["banned"], until, row["muted_in"], row["prior_actions"])
