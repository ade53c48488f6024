"""The rows of webhooks."""

import base64
import os
from typing import Any

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.users import revocations
from persistence.webhooks.vault import Vault
from persistence.webhooks.views import MadeWebhook, NewWebhook, TooManyWebhooks, Webhook
from shared.auth.caller import Actor
from shared.clock import iso, iso_or_none
from shared.ids import new_id

WEBHOOKS = "webhooks"
"""The word under which a change is told to every process."""
MOST_WEBHOOKS = 50
SECRET_BYTES = 32
ROTATION_HOURS = 24
PREFIX = "whsec_"

_COLUMNS = """w.id, w.url, w.events, w.description, w.batch, w.is_active, w.disabled_reason, w.failing_since,
    w.succeeded_at, w.created_at"""

_INSERT = Query(
    "webhook_insert",
    f"""
INSERT INTO webhooks AS w (id, url, events, description, batch, secret)
SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM webhooks) < {MOST_WEBHOOKS} RETURNING {_COLUMNS}
""",
)
_LIST = Query("webhooks", f"SELECT {_COLUMNS} FROM webhooks w ORDER BY w.created_at, w.id")
_ONE = Query("webhook", f"SELECT {_COLUMNS} FROM webhooks w WHERE w.id = $1")
_ANY = Query("webhooks_any", "SELECT FROM webhooks LIMIT 1")
_CHANGE = Query(
    "webhook_change",
    f"""
UPDATE webhooks w SET url = coalesce($2, url), events = coalesce($3, events), description = coalesce($4, description),
    batch = coalesce($5, batch), is_active = coalesce($6, is_active),
    disabled_reason = CASE WHEN $6 THEN NULL WHEN $6 = false THEN coalesce(disabled_reason, 'by hand')
        ELSE disabled_reason END,
    failing_since = CASE WHEN $6 THEN NULL ELSE failing_since END
WHERE w.id = $1 RETURNING {_COLUMNS}
""",
)
_ROTATE = Query(
    "webhook_rotate",
    f"""
UPDATE webhooks SET old_secret = secret, old_until = now() + interval '{ROTATION_HOURS} hours', secret = $2
WHERE id = $1 RETURNING id
""",
)
_DELETE = Query("webhook_delete", "DELETE FROM webhooks WHERE id = $1 RETURNING url")
_DELETE_DELIVERIES = Query("webhook_delete_deliveries", "DELETE FROM hook_deliveries WHERE webhook_id = $1")


async def create(pool: Pool, actor: Actor, vault: Vault, wanted: NewWebhook) -> MadeWebhook | TooManyWebhooks:
    """`wanted` has all fields but `active`. Raises NoSecretsKey."""
    webhook_id, secret = new_id(), new_secret()
    fields = (wanted.url, wanted.events, wanted.description or "", wanted.batch or 1)
    async with transaction(pool) as connection:
        row = await _INSERT.row(connection, webhook_id, *fields, vault.seal(secret, webhook_id))
        if row is None:
            return TooManyWebhooks(MOST_WEBHOOKS)
        await _note(connection, actor, "webhook.create", webhook_id, {"url": wanted.url, "events": wanted.events})
    return MadeWebhook(view_of(row), secret)


async def everyone(database: Database) -> list[Webhook]:
    return [view_of(row) for row in await _LIST.rows(database)]


async def one(database: Database, webhook_id: str) -> Webhook | None:
    row = await _ONE.row(database, webhook_id)
    return None if row is None else view_of(row)


async def are_there_any(database: Database) -> bool:
    return await _ANY.row(database) is not None


async def change(pool: Pool, actor: Actor, webhook_id: str, wanted: NewWebhook) -> Webhook | None:
    """None: there is no such webhook."""
    async with transaction(pool) as connection:
        row = await _CHANGE.row(connection, webhook_id, *wanted)
        if row is not None:
            changed = {name: value for name, value in wanted._asdict().items() if value is not None}
            await _note(connection, actor, "webhook.change", webhook_id, changed)
    return None if row is None else view_of(row)


async def rotate(pool: Pool, actor: Actor, vault: Vault, webhook_id: str) -> str | None:
    """A new secret; the old one signs too for ROTATION_HOURS. Raises NoSecretsKey."""
    secret = new_secret()
    async with transaction(pool) as connection:
        if await _ROTATE.row(connection, webhook_id, vault.seal(secret, webhook_id)) is None:
            return None
        await _note(connection, actor, "webhook.rotate", webhook_id, {})
    return secret


async def delete(pool: Pool, actor: Actor, webhook_id: str) -> bool:
    """And what waits for it."""
    async with transaction(pool) as connection:
        # Before the row itself, as who tells outcomes: one noted in between is left, and goes by its age.
        await _DELETE_DELIVERIES.rows(connection, webhook_id)
        row = await _DELETE.row(connection, webhook_id)
        if row is not None:
            await _note(connection, actor, "webhook.delete", webhook_id, {"url": row["url"]})
    return row is not None


async def _note(connection: Connection, actor: Actor, action: str, webhook_id: str, details: dict[str, Any]) -> None:
    await audit.note(connection, actor, Entry(action, "webhook", webhook_id, details=details))
    await revocations.note_change(connection, WEBHOOKS)


def new_secret() -> str:
    """As Standard Webhooks wants it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def view_of(row: Row) -> Webhook:
    return Webhook(
        id=row["id"],
        url=row["url"],
        events=row["events"],
        description=row["description"],
        batch=row["batch"],
        state="active" if row["is_active"] else "disabled",
        disabled_reason=row["disabled_reason"],
        failing_since=iso_or_none(row["failing_since"]),
        last_success_at=iso_or_none(row["succeeded_at"]),
        created_at=iso(row["created_at"]),
    )
