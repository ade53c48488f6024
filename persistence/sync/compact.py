"""The log as a compact sync tells it: messages as they stand, instead of all that happened to them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from persistence.database.pool import Database, Query, Row, columns
from persistence.database.visibility import is_hidden, stands
from persistence.log.logged import Logged
from persistence.log.rows import NAMES, STATE, logged_as
from persistence.log.state import state_of
from persistence.messages.rows import my_emojis, reactions_of
from persistence.sync import groups
from shared.clock import iso
from shared.events.kind import Compact
from shared.events.kinds import BY_CODE, KINDS
from shared.events.message_deleted import MESSAGE_DELETED, MessageDeleted
from shared.events.message_edited import MESSAGE_EDITED
from shared.events.message_new import MESSAGE_NEW

_FOLDED = ", ".join(str(kind.code) for kind in KINDS if kind.compact is Compact.IN_MESSAGE)
_OF_CONVERSATIONS = ", ".join(str(kind.code) for kind in KINDS if kind.compact is Compact.IN_CONVERSATION)
_SHOWING = ", ".join(str(kind.code) for kind in KINDS if kind.shows_message or kind.erased)
_SEEN = f"(CASE WHEN w.hid THEN {is_hidden('m', '$9')} END) IS NULL"
_MESSAGE = f"""m.conversation_id, {{place}} AS seq, {{kind}}::bigint AS kind, {{sender}} AS sender_id,
           {{at}} AS created_at, m.id AS message_id, 0::bigint AS people, NULL::uuid[] AS removed,
           NULL::bytea AS stored, octet_length(m.text) + 200 AS size, NULL::text[] AS names,
           {STATE}, m.seq AS message_seq,
           {my_emojis("$9")} AS mine"""
_NEWS = _MESSAGE.format(place="m.seq", kind=MESSAGE_NEW.code, sender="m.sender_id", at="m.created_at")
_TOUCHED = _MESSAGE.format(
    place="m.rev",
    kind=f"(CASE WHEN {stands('m')} THEN {MESSAGE_EDITED.code} ELSE {MESSAGE_DELETED.code} END)",
    sender="coalesce(m.deleted_by, m.sender_id)",
    at="m.updated_at",
)

_EVENT = f"""e.conversation_id, e.seq, e.kind, e.sender_id, e.created_at, e.message_id, e.people, e.removed, e.body,
                octet_length(e.body) AS size, {NAMES}, {STATE}, NULL::bigint AS message_seq, NULL::text[] AS mine
         FROM events e LEFT JOIN messages m
             ON e.kind IN ({_SHOWING}) AND m.conversation_id = e.conversation_id AND m.id = e.message_id"""

# Of each conversation what lies behind the client's place: its new messages, its old ones that were touched, each once
# at the last touch, the events that fold into nothing, and the last of those that fold into the conversation. $7 rows
# of each, and one more, are enough to know whether something is left over.
_COMPACT = Query(
    "sync_compact",
    f"""
SELECT l.*, u.handle AS sender_handle FROM (
    SELECT log.*, count(*) OVER () AS total,
           row_number() OVER (ORDER BY log.conversation_id, log.seq) AS nth,
           sum(log.size) OVER (ORDER BY log.conversation_id, log.seq) - log.size AS before
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::boolean[])
        AS w(conversation_id, after, up_to, begins, knows, hid)
    CROSS JOIN LATERAL (
        (SELECT {_NEWS} FROM messages m
         WHERE m.conversation_id = w.conversation_id AND m.seq > w.after AND m.seq <= w.up_to AND {_SEEN}
         ORDER BY m.seq LIMIT $7::bigint + 1)
        UNION ALL
        (SELECT {_TOUCHED} FROM messages m
         WHERE w.knows AND m.conversation_id = w.conversation_id AND m.rev > w.after AND m.rev <= w.up_to
             AND m.seq <= w.after AND m.seq > w.begins AND {_SEEN}
         ORDER BY m.rev LIMIT $7::bigint + 1)
        UNION ALL
        (SELECT {_EVENT}
         WHERE e.conversation_id = w.conversation_id AND e.seq > w.after AND e.seq <= w.up_to
             AND e.kind NOT IN ({_FOLDED}, {_OF_CONVERSATIONS})
         ORDER BY e.seq LIMIT $7::bigint + 1)
        UNION ALL
        (SELECT {_EVENT}
         WHERE e.conversation_id = w.conversation_id AND e.seq > w.after AND e.seq <= w.up_to
             AND e.kind IN ({_OF_CONVERSATIONS})
         ORDER BY e.seq DESC LIMIT 1)
    ) AS log
) AS l LEFT JOIN users u ON u.id = l.sender_id
WHERE l.nth <= $7 AND l.before < $8
ORDER BY l.conversation_id, l.seq
""",
)

_encode = msgspec.json.Encoder().encode


class Span(NamedTuple):
    """What a client lacks of a conversation: what lies above `after` up to and with `up_to`. `knows`: it holds what is
    older, as far as `begins`. `hid`: the user hid some messages of it."""

    conversation_id: str
    after: int
    up_to: int
    begins: int
    knows: bool
    hid: bool


class Folded(NamedTuple):
    """The rows in order, for `told`, and whether that is all of them. `states`: of conversations that changed."""

    rows: list[Row]
    is_all: bool
    states: Mapping[str, bytes]


async def folded(database: Database, user_id: str, spans: Sequence[Span], *, most: int, most_bytes: int) -> Folded:
    """What this user lacks, at most so many rows and about so many bytes. A row's `seq` is its place."""
    rows = await _COMPACT.rows(database, *columns(spans, 6), most, most_bytes, user_id)
    if most <= 0 or most_bytes <= 0:
        return Folded([], False, {})
    changed = {row["conversation_id"] for row in rows if _folds_into_conversation(row)}
    asked = [(one.conversation_id, one.after, one.up_to) for one in spans if one.conversation_id in changed]
    return Folded(rows, not rows or rows[0]["total"] == len(rows), await groups.states(database, user_id, asked))


def _folds_into_conversation(row: Row) -> bool:
    kind = BY_CODE.get(row["kind"])
    return kind is not None and kind.compact is Compact.IN_CONVERSATION


def told(row: Row, states: Mapping[str, bytes]) -> Logged | None:
    """The event of a row of `Folded`. None for a kind that is unknown here: nothing behind it may be told."""
    kind = BY_CODE.get(row["kind"])
    if kind is None:
        return None
    if row["message_seq"] is None:
        event = logged_as(kind, row)
        return event._replace(body=states[event.conversation_id]) if _folds_into_conversation(row) else event
    return Logged(
        conversation_id=row["conversation_id"],
        seq=row["seq"],
        kind=kind,
        sender_id=row["sender_id"],
        at=iso(row["created_at"]),
        body=_body(row),
        message_id=row["message_id"],
    )


def _body(row: Row) -> bytes:
    if row["kind"] == MESSAGE_DELETED.code:
        return _encode(MessageDeleted(row["message_id"], row["message_seq"], row["deleted_by"], row["deleted_as"]))
    reactions = _encode(reactions_of(row)) if row["reactions"] else None
    state = state_of(row, is_news=row["kind"] == MESSAGE_NEW.code, reactions=reactions)
    if row["kind"] == MESSAGE_NEW.code:
        return state
    return b'{"messageSeq":%d,' % row["message_seq"] + state[1:]
