"""What is counted, and how: each statement gives the numbers of the time from $1 until before $2. docs/analytics.md
says each in a sentence."""

from datetime import timedelta
from typing import Final, NamedTuple

from persistence.database.pool import Query

SECONDS: Final = 30.0
"""For one statement."""
SAMPLE_ABOVE: Final = 50_000
"""Messages: of more in a time only every sixteenth conversation is asked how long its messages took to arrive."""
SMALL: Final = 50
"""People: arrival is measured in conversations of up to so many."""


class Definition(NamedTuple):
    """`names` are the columns of its row; null: there is no such number. `kept`: for how long what it reads is there.
    `takes_minimum`: $3 is how many people or observations a share or a median must stand for."""

    names: tuple[str, ...]
    query: Query
    kept: timedelta | None = None
    takes_minimum: bool = False


SENDING = Definition(
    (
        "messages",
        "senders",
        "active_conversations",
        "messages_per_sender",
        "group_messages",
        "active_groups",
        "media_messages",
    ),
    Query(
        "stats_sending",
        """
SELECT count(*) AS messages, count(DISTINCT m.sender_id) AS senders,
       count(DISTINCT m.conversation_id) AS active_conversations,
       count(*)::float8 / nullif(count(DISTINCT m.sender_id), 0) AS messages_per_sender,
       count(*) FILTER (WHERE c.is_group) AS group_messages,
       count(DISTINCT m.conversation_id) FILTER (WHERE c.is_group) AS active_groups,
       count(*) FILTER (WHERE m.media_url IS NOT NULL OR m.attachments IS NOT NULL) AS media_messages
FROM messages m LEFT JOIN conversations c ON c.id = m.conversation_id
WHERE m.created_at >= $1 AND m.created_at < $2
""",
        seconds=SECONDS,
    ),
)

BEGINNINGS = Definition(
    ("new_conversations", "new_groups", "new_users", "blocks", "reports", "held", "reactions"),
    Query(
        "stats_beginnings",
        """
SELECT (SELECT count(*) FROM conversations WHERE created_at >= $1 AND created_at < $2) AS new_conversations,
       (SELECT count(*) FROM conversations WHERE created_at >= $1 AND created_at < $2 AND is_group) AS new_groups,
       (SELECT count(*) FROM users WHERE created_at >= $1 AND created_at < $2) AS new_users,
       (SELECT count(*) FROM blocks WHERE created_at >= $1 AND created_at < $2) AS blocks,
       (SELECT count(*) FROM reports WHERE created_at >= $1 AND created_at < $2) AS reports,
       (SELECT count(*) FROM review_items WHERE created_at >= $1 AND created_at < $2 AND kind = 'held') AS held,
       (SELECT count(*) FROM reactions WHERE created_at >= $1 AND created_at < $2) AS reactions
""",
        seconds=SECONDS,
    ),
)

PUSHES = Definition(
    ("pushes_sent", "pushes_rejected", "pushes_failed"),
    Query(
        "stats_pushes",
        """
SELECT count(*) FILTER (WHERE state = 'sent' AND (receipt = 'ok' OR receipt IS NULL)) AS pushes_sent,
       count(*) FILTER (WHERE state = 'rejected') AS pushes_rejected,
       count(*) FILTER (WHERE state = 'sent' AND receipt <> 'ok') AS pushes_failed
FROM push_ledger WHERE created_at >= $1 AND created_at < $2
""",
        seconds=SECONDS,
    ),
    kept=timedelta(days=6, hours=23),
)

ARRIVING = Definition(
    (
        "delivered_5s",
        "delivered_60s",
        "delivered_median_seconds",
        "delivered_p95_seconds",
        "read_median_seconds",
        "read_p95_seconds",
    ),
    Query(
        "stats_arriving",
        f"""
WITH sent AS MATERIALIZED (
    SELECT conversation_id, seq, sender_id, created_at FROM messages WHERE created_at >= $1 AND created_at < $2
), asked AS (
    SELECT sent.* FROM sent JOIN conversations c ON c.id = sent.conversation_id AND c.members <= {SMALL}
    WHERE (SELECT count(*) FROM sent) <= {SAMPLE_ABOVE} OR hashtextextended(sent.conversation_id::text, 0) & 15 = 0
), pair AS (
    SELECT extract(epoch FROM delivered.at - m.created_at)::float8 AS delivered,
           extract(epoch FROM seen.at - m.created_at)::float8 AS read
    FROM asked m JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id <> m.sender_id
        AND p.joined_seq < m.seq AND (p.left_at IS NULL OR p.left_at > m.created_at)
    LEFT JOIN LATERAL (
        SELECT v.moved_at AS at FROM cursor_moves v
        WHERE v.conversation_id = m.conversation_id AND v.user_id = p.user_id AND v.delivered_seq >= m.seq
            AND v.moved_at >= m.created_at AND v.moved_at < m.created_at + interval '1 day'
        ORDER BY v.moved_at LIMIT 1) AS delivered ON true
    LEFT JOIN LATERAL (
        SELECT v.moved_at AS at FROM cursor_moves v
        WHERE v.conversation_id = m.conversation_id AND v.user_id = p.user_id AND v.read_seq >= m.seq
            AND v.moved_at >= m.created_at AND v.moved_at < m.created_at + interval '1 day'
        ORDER BY v.moved_at LIMIT 1) AS seen ON true
)
SELECT CASE WHEN count(*) >= $3 THEN avg((coalesce(delivered, 1e9) <= 5)::int)::float8 END AS delivered_5s,
       CASE WHEN count(*) >= $3 THEN avg((coalesce(delivered, 1e9) <= 60)::int)::float8 END AS delivered_60s,
       CASE WHEN count(delivered) >= $3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY delivered)
           END AS delivered_median_seconds,
       CASE WHEN count(delivered) >= $3 THEN percentile_cont(0.95) WITHIN GROUP (ORDER BY delivered)
           END AS delivered_p95_seconds,
       CASE WHEN count(read) >= $3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY read) END AS read_median_seconds,
       CASE WHEN count(read) >= $3 THEN percentile_cont(0.95) WITHIN GROUP (ORDER BY read) END AS read_p95_seconds
FROM pair
""",
        seconds=SECONDS,
    ),
    kept=timedelta(hours=47),
    takes_minimum=True,
)

REPLYING = Definition(
    ("replies", "reply_median_seconds", "reply_direct_median_seconds"),
    Query(
        "stats_replying",
        """
WITH answer AS (
    SELECT extract(epoch FROM m.created_at - before.created_at)::float8 AS gap, c.is_group
    FROM messages m JOIN conversations c ON c.id = m.conversation_id CROSS JOIN LATERAL (
        SELECT b.sender_id, b.created_at FROM messages b
        WHERE b.conversation_id = m.conversation_id AND b.seq < m.seq ORDER BY b.seq DESC LIMIT 1
    ) AS before
    WHERE m.created_at >= $1 AND m.created_at < $2 AND before.sender_id <> m.sender_id
        AND m.created_at - before.created_at < interval '1 day'
)
SELECT count(*) AS replies,
       CASE WHEN count(*) >= $3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) END AS reply_median_seconds,
       CASE WHEN count(*) FILTER (WHERE NOT is_group) >= $3
           THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FILTER (WHERE NOT is_group)
           END AS reply_direct_median_seconds
FROM answer
""",
        seconds=SECONDS,
    ),
    takes_minimum=True,
)

DEFINITIONS: Final = (SENDING, BEGINNINGS, PUSHES, ARRIVING, REPLYING)
"""Of an hour and of a day alike. Whoever was counted once in an hour is counted once in the day: nothing is summed."""

DAILY: Final = ("dau", "wau", "mau", "retention_d1", "retention_d7", "retention_d30")
"""Of a day alone, from `activity`."""

METRICS: Final = (*(name for one in DEFINITIONS for name in one.names), *DAILY)
