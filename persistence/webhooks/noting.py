"""Notes for each webhook what is to be told: a row for an event and an endpoint, which is there before the event's
outbox row goes. Without a webhook no statement is run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from persistence.database.pool import Database, Pool, Query, columns
from persistence.log.logged import Logged
from persistence.webhooks import store
from persistence.webhooks.types import EVERYTHING, JOINED, LEFT, STARRED, TYPES
from shared.clock import now_iso
from shared.events.conversation_changed import CONVERSATION_CHANGED
from shared.wire import NOBODY_ID

_STARRED = ", ".join(f"'{one}'" for one in STARRED)

WANTED = (
    f"w.is_active AND ({{type}} = ANY (w.events) OR ('{EVERYTHING}' = ANY (w.events) AND {{type}} IN ({_STARRED})))"
)
"""Whether the webhook `w` is to be told of this type (SQL)."""

# The same event has the same id, whoever notes it, as often as they do. The epoch is part of it: after a restore a
# conversation's seqs name other events.
_NOTE = Query(
    "hooks_note",
    f"""
INSERT INTO hook_deliveries (conversation_id, event_id, webhook_id, type, seq, at, due_at)
SELECT e.conversation_id, md5(concat_ws(':', meta.epoch, e.conversation_id, e.seq, e.type))::uuid, w.id, e.type, e.seq,
       e.at, e.at
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[]) AS e(conversation_id, seq, type, at)
CROSS JOIN meta JOIN webhooks w ON {WANTED.format(type="e.type")}
WHERE e.type NOT IN ('{JOINED}', '{LEFT}') OR (
    SELECT CASE e.type WHEN '{JOINED}' THEN v.named ELSE v.removed END IS NOT NULL
    FROM events v WHERE v.conversation_id = e.conversation_id AND v.seq = e.seq)
ORDER BY e.conversation_id, e.seq, w.id ON CONFLICT DO NOTHING
""",
)

_NOTE_OTHER = Query(
    "hooks_note_other",
    f"""
INSERT INTO hook_deliveries (conversation_id, event_id, webhook_id, type, at, due_at, payload)
SELECT $1, md5(concat_ws(':', meta.epoch, $1::uuid, $2::text, $3::text))::uuid, w.id, $3, now(), now(), $4
FROM meta JOIN webhooks w ON {WANTED.format(type="$3::text")} ON CONFLICT DO NOTHING
""",
)

_encode = msgspec.json.Encoder().encode


class Hooks:
    """`refresh` is to be called when `Refusals` hears of a change of `store.WEBHOOKS`, and once at the start."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._there_are_any = False
        self._types: frozenset[str] = frozenset()

    async def refresh(self) -> None:
        """Raises DATABASE_FAILURES."""
        everyone = await store.everyone(self._pool)
        named = {one for webhook in everyone if webhook.state == "active" for one in webhook.events}
        self._there_are_any = bool(everyone)
        self._types = frozenset(named | set(STARRED) if EVERYTHING in named else named) & frozenset(TYPES)

    @property
    def there_are_any(self) -> bool:
        """Webhooks at all, also disabled ones."""
        return self._there_are_any

    def wants(self, kind: str) -> bool:
        """Whether anybody is told of this type."""
        return kind in self._types

    async def follow(self, database: Database, events: Sequence[Logged]) -> None:
        """A `Follower`: notes those of these events of which somebody is told. The same again notes nothing."""
        noted = [
            (event.conversation_id, event.seq, kind, datetime.fromisoformat(event.at))
            for event in events
            for kind in _kinds(event)
            if kind in self._types
        ]
        if noted:
            await _NOTE.rows(database, *columns(noted, 4))

    async def note(
        self, database: Database, kind: str, subject: str, data: dict[str, Any], conversation_id: str | None = None
    ) -> None:
        """What is no event of a log, in the transaction of what it tells of. `subject` makes its id, with the type and
        the conversation: the same again notes nothing."""
        if kind in self._types:
            payload = _encode({"type": kind, "timestamp": now_iso(), "data": data}).decode()
            await _NOTE_OTHER.rows(database, conversation_id or NOBODY_ID, subject, kind, payload)


def _kinds(event: Logged) -> tuple[str, ...]:
    """The types that an event may be told as; of a change of people the statement decides."""
    return (event.kind.name, JOINED, LEFT) if event.kind is CONVERSATION_CHANGED else (event.kind.name,)
