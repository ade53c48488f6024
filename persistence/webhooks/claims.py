"""Work for the service `webhooks`: deliveries that are due, each in one process' hands for the time of its lease."""

from collections.abc import Sequence

import msgspec

from persistence.database.pool import Pool, Query, Row, transaction
from persistence.log import read
from persistence.log.logged import Logged
from persistence.server.happened import encoded_as, payload, people_payload
from persistence.webhooks.types import JOINED, LEFT, TEST
from persistence.webhooks.vault import Vault
from shared.clock import iso
from shared.hooks_api import AT_ONCE, MOST_ROWS, ClaimsAnswer, Delivery, Endpoint, Work

# The row of the endpoint is held first: whoever asks at the same instant passes it over, so no more than so many are in
# hand in the whole fleet. A batch is one request. In the order of their events' times, which never fall within a
# conversation: attempts start in the order of the seqs.
_CLAIM = Query(
    "hooks_claim",
    f"""
WITH endpoint AS (
    SELECT w.id, w.batch FROM webhooks w WHERE w.is_active ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED
), room AS (
    SELECT e.id, least({AT_ONCE} * e.batch, {MOST_ROWS}) - (
        SELECT count(*) FROM hook_deliveries h
        WHERE h.webhook_id = e.id AND h.state = 'waiting' AND h.lease_until > now()) AS free
    FROM endpoint e
), picked AS (
    SELECT due.* FROM room CROSS JOIN LATERAL (
        SELECT d.conversation_id, d.event_id, d.webhook_id FROM hook_deliveries d
        WHERE d.webhook_id = room.id AND d.state = 'waiting' AND d.due_at <= now()
            AND (d.lease_until IS NULL OR d.lease_until <= now())
        ORDER BY d.due_at, d.seq LIMIT greatest(room.free, 0) FOR UPDATE SKIP LOCKED
    ) AS due
)
UPDATE hook_deliveries d SET lease_until = now() + make_interval(secs => $1) FROM picked
WHERE d.conversation_id = picked.conversation_id AND d.event_id = picked.event_id AND d.webhook_id = picked.webhook_id
RETURNING d.conversation_id, d.event_id, d.webhook_id, d.type, d.seq, d.at, d.payload, d.due_at
""",
)

_ENDPOINTS = Query(
    "hooks_endpoints",
    """
SELECT id, url, batch, secret, CASE WHEN old_until > now() THEN old_secret END AS old_secret
FROM webhooks WHERE id = ANY ($1::uuid[])
""",
)


async def claim(pool: Pool, vault: Vault, lease_seconds: float) -> ClaimsAnswer:
    """What may be sent now. Raises NoSecretsKey, and leases nothing then."""
    async with transaction(pool) as connection:
        rows = await _CLAIM.rows(connection, lease_seconds)
        if not rows:
            return ClaimsAnswer([])
        endpoints = await _ENDPOINTS.rows(connection, list({row["webhook_id"] for row in rows}))
        work = {row["id"]: Work(_endpoint(row, vault), []) for row in endpoints}
    rows.sort(key=lambda row: (row["due_at"], row["seq"] or 0))
    for row, delivery in zip(rows, await _deliveries(pool, rows), strict=True):
        work[row["webhook_id"]].deliveries.append(delivery)
    return ClaimsAnswer(list(work.values()))


def _endpoint(row: Row, vault: Vault) -> Endpoint:
    sealed = [one for one in (row["secret"], row["old_secret"]) if one is not None]
    return Endpoint(row["id"], row["url"], [vault.open(one, row["id"]) for one in sealed], row["batch"])


async def _deliveries(pool: Pool, rows: Sequence[Row]) -> list[Delivery]:
    """Of messages what they are now: a text that was erased meanwhile is told to nobody."""
    keys = {(row["conversation_id"], row["seq"]) for row in rows if row["payload"] is None}
    found = await read.by_seq(pool, sorted(keys), {}) if keys else None
    told = {event.key: event for event in found.logged} if found else {}
    return [_delivery(row, told.get((row["conversation_id"], row["seq"]))) for row in rows]


def _delivery(row: Row, event: Logged | None) -> Delivery:
    once = row["type"] == TEST
    if row["payload"] is not None:
        told = row["payload"].encode()
    elif event is not None:
        told = people_payload(event, row["type"]) if row["type"] in (JOINED, LEFT) else payload(event)
    else:  # the row is gone: by a purge, or by retention
        data = {"conversationId": row["conversation_id"], "seq": row["seq"], "gone": True}
        told, once = encoded_as(row["type"], iso(row["at"]), data), True
    return Delivery(row["conversation_id"], row["event_id"], msgspec.Raw(told), once)
