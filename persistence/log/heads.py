"""How far each conversation's log goes."""

from collections.abc import Sequence

from persistence.database.pool import Database, Query, Row, columns
from shared.api import HeadsAnswer

# One statement is one snapshot: no head is older than another, nor than a version or a membership. Where all events are
# messages, as nearly everywhere, the head is the last one, and no message is looked for.
_HEADS = Query(
    "heads",
    """
SELECT 'epoch' AS kind, epoch AS id, 0::bigint AS number FROM meta
UNION ALL SELECT 'head', id, last_seq FROM conversations WHERE id = ANY ($1::uuid[])
UNION ALL SELECT 'counted', c.id, coalesce((
    SELECT m.seq FROM messages m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), 0)
FROM conversations c WHERE c.id = ANY ($1::uuid[]) AND c.last_ordinal < c.last_seq
UNION ALL SELECT 'version', id, version FROM users WHERE id = ANY ($2::uuid[])
UNION ALL SELECT 'outside', NULL, w.nth FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS w(user_id, id, nth)
WHERE (SELECT true FROM participants p
       WHERE p.conversation_id = w.id AND p.user_id = w.user_id AND p.left_at IS NULL) IS NULL
""",
)


async def heads(
    database: Database,
    conversation_ids: Sequence[str],
    user_ids: Sequence[str],
    pairs: Sequence[tuple[str, str]] = (),
) -> HeadsAnswer:
    """Heads of conversations and versions of memberships, on the primary and of one moment.

    `pairs` are (user, conversation): which of them are no memberships is answered too.
    """
    rows = await _HEADS.rows(database, conversation_ids, user_ids, *columns(pairs, 2))
    outside: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "outside":
            user_id, conversation_id = pairs[row["number"] - 1]
            outside.setdefault(user_id, []).append(conversation_id)
    return HeadsAnswer(
        epoch=next(row["id"] for row in rows if row["kind"] == "epoch"),
        heads=_numbers(rows, "head"),
        versions=_numbers(rows, "version"),
        counted=_numbers(rows, "counted"),
        outside=outside,
    )


def _numbers(rows: Sequence[Row], kind: str) -> dict[str, int]:
    return {row["id"]: row["number"] for row in rows if row["kind"] == kind}
