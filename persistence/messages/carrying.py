"""What the send statement does besides for drafts that carry more than a text: mentions, a forward, a preview, a time
after which they are gone. Parts of SQL for `send_statement`, which the plain statement has not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from persistence.database.visibility import BEGINS, EVERYBODY, is_hidden, stands, stays
from persistence.members.roles import ROLE

MOST_FOR_MEMBERS: Final = 50
"""People of a group in which any member may mention all."""

# `carry` has a row a draft. The sources of forwards are locked after the senders' rows, which the one-time filter reads
# first, and before any conversation. Race: who deletes a source waits for this, or is waited for, and nothing is left.
_SOURCES = f""", carry AS (
    SELECT d.id, d.conversation_id, d.sender_id, coalesce((k.told->>'all')::boolean, false) AS for_all,
           coalesce((k.told->>'withFiles')::boolean, false) AS with_files, k.told->'mentions' AS named,
           k.told->'preview' AS preview, (k.told->>'expiresIn')::bigint AS expires_in,
           (k.told->'forward'->>'conversationId')::uuid AS from_conversation,
           (k.told->'forward'->>'messageId')::uuid AS from_message
    FROM draft d JOIN unnest($2::uuid[], {{carried_by}}) AS k(id, told) ON k.id = d.id
), source AS (
    SELECT m.conversation_id, m.id, m.seq, m.sender_id, m.text, m.media_url, m.opaque, m.extra::jsonb AS extra,
           m.attachments IS NOT NULL AS has_files, m.placeholder IS TRUE AS is_placeholder,
           {stands("m")} AS stands
    FROM messages m
    WHERE (m.conversation_id, m.id) IN (SELECT from_conversation, from_message FROM carry)
        AND (SELECT count(*) FROM sender) > 0
    ORDER BY m.conversation_id, m.seq FOR SHARE OF m
), carrying AS (
    SELECT k.*, o.*, CASE WHEN k.for_all THEN ARRAY[{EVERYBODY}] ELSE (
               SELECT array_agg(p.user_id ORDER BY w.nth)
               FROM jsonb_array_elements_text(k.named) WITH ORDINALITY AS w(id, nth) JOIN participants p
                   ON p.conversation_id = k.conversation_id AND p.user_id = w.id::uuid AND p.left_at IS NULL
           ) END AS mentions,
           NOT k.for_all OR (
               SELECT NOT c.is_group OR c.members <= {MOST_FOR_MEMBERS} OR {ROLE} <> 'member'
               FROM participants p JOIN conversations c ON c.id = p.conversation_id
               WHERE p.conversation_id = k.conversation_id AND p.user_id = k.sender_id
           ) AS may_mention,
           CASE WHEN k.from_message IS NULL THEN NULL WHEN o.begins IS NULL THEN 'outside'
                WHEN o.author_id IS NULL THEN 'unseen' WHEN NOT o.stands THEN 'deleted'
                WHEN o.has_files AND NOT k.with_files THEN 'files' END AS no_source
    FROM carry k LEFT JOIN LATERAL (
        SELECT {BEGINS} AS begins, x.sender_id AS author_id, x.text AS source_text, x.media_url AS source_media_url,
               x.opaque AS source_opaque, x.extra, x.stands, x.has_files, x.is_placeholder
        FROM participants p JOIN conversations c ON c.id = p.conversation_id LEFT JOIN source x
            ON x.conversation_id = c.id AND x.id = k.from_message AND x.seq > {BEGINS}
            AND (CASE WHEN p.hid_messages THEN {is_hidden("x", "p.user_id")} END) IS NULL
        WHERE p.conversation_id = k.from_conversation AND p.user_id = k.sender_id AND {stays("p")}
    ) AS o ON true
)"""

_EXTRA = """nullif(jsonb_strip_nulls(jsonb_build_object(
               'mentions', CASE WHEN k.for_all THEN to_jsonb('all'::text) ELSE to_jsonb(k.mentions) END,
               'forwarded', CASE WHEN k.author_id IS NOT NULL THEN
                   coalesce(k.extra->'forwarded', jsonb_build_object('senderId', k.author_id)) END,
               'preview', k.preview)), '{}')::text"""

CARRYING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lifetime": "coalesce(k.expires_in, s.expire_seconds)",
        "sources": _SOURCES,
        "judges": f""",
           k.no_source, coalesce(k.may_mention, false) AS may_mention, k.mentions,
           {_EXTRA} AS extra,
           CASE WHEN k.author_id IS NULL OR k.is_placeholder THEN d.text ELSE k.source_text END AS said,
           CASE WHEN k.author_id IS NULL OR k.has_files THEN d.media_url ELSE k.source_media_url END AS said_media_url,
           CASE WHEN k.author_id IS NULL THEN d.opaque ELSE k.source_opaque END AS said_opaque""",
        "judged_by": "\n    JOIN carrying k ON k.id = d.id",
        "and_may": " AND may_mention AND no_source IS NULL",
        "counts": ", bool_or(mentions IS NOT NULL) AS mention, bool_or(expires_in IS NOT NULL) AS expire",
        "marks": """,
        has_mentions = CASE WHEN due.mention THEN true ELSE c.has_mentions END,
        expired_xid = CASE WHEN due.expire THEN pg_current_xact_id() ELSE c.expired_xid END""",
        "carries": ", mentions, extra",
        "carried": "said, said_media_url, said_opaque, mentions, extra",
        "returns": ", text, media_url, opaque, extra",
        "tells": ", j.no_source, j.may_mention, sent.text, sent.media_url, sent.opaque, sent.extra",
    }
)
"""Beside the parts of a statement for several conversations."""
