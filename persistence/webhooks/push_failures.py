"""`push.failed`: Expo refused a push for good, or Apple or Google did after Expo had taken it.

Noted after the outcome is written down, and before the pusher hears that it was: a death in between makes the pusher
tell it again, and the same again notes nothing.
"""

from collections.abc import Sequence

from persistence.database.pool import Database
from persistence.push.ledger_receipts import user_of
from persistence.webhooks.noting import Hooks
from persistence.webhooks.types import PUSH_FAILED
from shared import push_api

TAKEN = "ok"


async def note_refused(database: Database, hooks: Hooks, outcomes: Sequence[push_api.Outcome]) -> None:
    """Runs no statement where nobody is told. Raises DATABASE_FAILURES."""
    for one in outcomes if hooks.wants(PUSH_FAILED) else ():
        if one.state == "rejected":
            await _note(database, hooks, one, one.user_id, one.reason)


async def note_lost(database: Database, hooks: Hooks, outcomes: Sequence[push_api.ReceiptOutcome]) -> None:
    """As `note_refused`; what is pushed once more is not lost."""
    for one in outcomes if hooks.wants(PUSH_FAILED) else ():
        if one.receipt not in (None, TAKEN) and not one.again:
            await _note(database, hooks, one, await user_of(database, one), one.receipt)


async def _note(
    database: Database,
    hooks: Hooks,
    one: push_api.Outcome | push_api.ReceiptOutcome,
    user_id: str | None,
    reason: str | None,
) -> None:
    data = {
        "conversationId": one.conversation_id,
        "messageId": one.message_id,
        "deviceId": one.device_id,
        "userId": user_id,
        "reason": reason,
    }
    await hooks.note(database, PUSH_FAILED, f"{one.message_id}:{one.device_id}", data, one.conversation_id)
