"""The statement that sends, of one source: for the drafts of one conversation, for those of several at once, and for
those of which some carry more than a text."""

from persistence.database.pool import Query
from persistence.messages.carrying import CARRYING

# One statement, one round trip, for all that go together.
#
# Senders' rows are locked first, by conversation and user, then the conversations by id: receipts lock participants in
# that order too and never a conversation, a purge and an event lock one conversation and hold no other, so nobody waits
# in a circle. The lock of a conversation orders all its senders; what the UPDATE of it computes is computed anew on the
# row it then holds, the clock too: so numbers and times go up together.
# Messages never go back in time, whatever a clock does; the conversation's place in the list, and the age of what waits
# in the outbox, are by the clock of now: one that was ahead for a while holds up neither.
# Two with the same client id at once both find no prior one; the second breaks messages_sent_once, which takes back its
# whole statement, the counters too: no seq is ever burnt.
_SENDING = """
WITH draft AS (
    {draft}
), sender AS (
    SELECT p.conversation_id, p.user_id, greatest(p.joined_seq, p.hidden_seq) AS begins,
           p.left_at IS NULL AND NOT p.barred AS may, p.withdrawn_at IS NOT NULL AS withdrew, p.reads_only,
           p.slow_seconds, p.expire_seconds, p.next_send_at,
           CASE WHEN p.silenced_until > now() THEN p.silenced_until END AS silenced_until
    FROM participants p WHERE {is_sender}
    ORDER BY p.conversation_id, p.user_id FOR NO KEY UPDATE
){sources}, judged AS (
    SELECT d.*, coalesce(s.may, false) AS may, coalesce(s.withdrew, false) AS withdrew, s.silenced_until,
           coalesce(s.reads_only, false) AS reads_only, s.slow_seconds, {lifetime} AS expires_in,
           CASE WHEN s.next_send_at IS NOT NULL THEN extract(epoch FROM s.next_send_at - clock_timestamp()) END AS wait,
           -- No EXISTS: Postgres may answer that by hashing all messages of the conversation.
           d.reply_to IS NULL OR (
               SELECT true FROM messages m JOIN conversations c ON c.id = m.conversation_id
               WHERE m.id = d.reply_to AND m.conversation_id = d.conversation_id
                   AND m.seq > greatest(s.begins, c.floor_seq)
           ) IS NOT NULL AS reply_exists,
           (SELECT m.seq FROM messages m
            WHERE m.conversation_id = d.conversation_id AND m.sender_id = d.sender_id AND m.client_id = d.client_id
           ) AS prior_seq{judges}
    FROM draft d LEFT JOIN sender s ON s.user_id = d.sender_id AND s.conversation_id = d.conversation_id{judged_by}
), fresh AS (
    SELECT *, row_number() OVER (PARTITION BY conversation_id ORDER BY place) AS nth FROM judged j
    WHERE may AND silenced_until IS NULL AND reply_exists AND prior_seq IS NULL AND NOT reads_only{and_may}
        AND CASE WHEN slow_seconds IS NULL THEN true
        -- Of those that one who is slowed sends at once only the first.
        ELSE coalesce(wait, 0) <= 0 AND (
            SELECT true FROM judged e WHERE e.conversation_id = j.conversation_id AND e.sender_id = j.sender_id
                AND e.place < j.place AND e.reply_exists AND e.prior_seq IS NULL LIMIT 1) IS NULL END
), counted AS (
    SELECT conversation_id, count(*) AS n{counts} FROM fresh GROUP BY conversation_id
), due AS (
    {due}
), head AS (
    UPDATE conversations c
    SET last_seq = c.last_seq + due.n,
        last_ordinal = c.last_ordinal + due.n,
        updated_at = date_trunc('milliseconds', clock_timestamp()),
        latest_at = greatest(c.latest_at, c.updated_at, date_trunc('milliseconds', clock_timestamp())){marks}
    FROM due WHERE c.id = due.conversation_id
    RETURNING c.id AS conversation_id, c.last_seq - due.n AS seq, c.last_ordinal - due.n AS ordinal,
        c.latest_at AS at, c.updated_at AS clock
), sent AS (
    INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at,
                          id, sender_id, reply_to, client_id, data, expires_at, text, media_url, opaque{carries})
    SELECT conversation_id, head.seq + nth, head.ordinal + nth, head.at, head.at,
           id, sender_id, reply_to, client_id, data, head.at + make_interval(secs => expires_in), {carried}
    FROM fresh JOIN head USING (conversation_id)
    RETURNING conversation_id, id, seq, ordinal, sender_id, created_at, expires_at{returns}
), logged AS (
    {outbox}
), moved AS (
    UPDATE participants p
    SET delivered_seq = last.seq, attended_seq = last.seq, read_seq = last.seq, read_ordinal = last.ordinal,
        moved_xid = pg_current_xact_id(),
        next_send_at = CASE WHEN p.slow_seconds IS NOT NULL
            THEN clock_timestamp() + make_interval(secs => p.slow_seconds) END
    FROM (
        SELECT conversation_id, sender_id, max(seq) AS seq, max(ordinal) AS ordinal FROM sent GROUP BY 1, 2
    ) AS last
    WHERE p.conversation_id = last.conversation_id AND p.user_id = last.sender_id
)
SELECT j.may, j.withdrew, j.silenced_until, j.reads_only, j.slow_seconds, j.wait, j.reply_exists, j.prior_seq,
       sent.seq, sent.created_at, sent.expires_at, u.handle{tells}
FROM judged j LEFT JOIN sent ON sent.id = j.id LEFT JOIN users u ON u.id = j.sender_id
ORDER BY j.place
"""

_FIELDS = "id, sender_id, text, client_id, reply_to, media_url, opaque, data, place"
_ARRAYS = "$2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::boolean[], $9::text[]"

# The UPDATE locks a lone conversation by itself. Several must be locked in order before the first of them is changed.
_ONE = {
    "draft": f"SELECT $1::uuid AS conversation_id, d.* FROM unnest({_ARRAYS}) WITH ORDINALITY AS d({_FIELDS})",
    "is_sender": "p.conversation_id = $1 AND p.user_id = ANY ($3::uuid[])",
    "due": "SELECT * FROM counted",
}
_MANY = {
    "draft": f"SELECT * FROM unnest($1::uuid[], {_ARRAYS}) WITH ORDINALITY AS d(conversation_id, {_FIELDS})",
    "is_sender": "(p.conversation_id, p.user_id) IN (SELECT conversation_id, sender_id FROM draft)",
    "due": "SELECT counted.* FROM counted JOIN conversations c ON c.id = conversation_id"
    " ORDER BY c.id FOR NO KEY UPDATE OF c",
}

# Apart, for those few statements in which something is traced: the others do not pay for it.
_PLAIN = """INSERT INTO outbox (conversation_id, seq, created_at)
    SELECT conversation_id, sent.seq, head.clock FROM sent JOIN head USING (conversation_id)"""
_TRACED = """INSERT INTO outbox (conversation_id, seq, created_at, span)
    SELECT conversation_id, sent.seq, head.clock, span FROM sent JOIN head USING (conversation_id)
    JOIN unnest($2::uuid[], $10::bytea[]) AS traced(id, span) USING (id)"""

# Apart too, where one of the drafts carries more than a text.
_BARE = {
    "lifetime": "s.expire_seconds",
    "sources": "",
    "judges": "",
    "judged_by": "",
    "and_may": "",
    "counts": "",
    "marks": "",
    "carries": "",
    "carried": "text, media_url, opaque",
    "returns": "",
    "tells": "",
}


def _statement(name: str, *, many: bool = False, traced: bool = False, carrying: bool = False) -> Query:
    parts = {**(_MANY if many else _ONE), "outbox": _TRACED if traced else _PLAIN, **(CARRYING if carrying else _BARE)}
    given = "$11" if traced else "$10"
    return Query(name, _SENDING.format(**parts).replace("{carried_by}", f"{given}::jsonb[]"))


SEND = _statement("send")
SEND_TRACED = _statement("send_traced", traced=True)
SEND_MANY = _statement("send_many", many=True)
SEND_MANY_TRACED = _statement("send_many_traced", many=True, traced=True)
SEND_CARRYING = _statement("send_carrying", many=True, carrying=True)
SEND_CARRYING_TRACED = _statement("send_carrying_traced", many=True, traced=True, carrying=True)
