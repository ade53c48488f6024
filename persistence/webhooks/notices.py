"""`moderation.notice`: what was done to somebody, and why, as they are told it. Never who reported."""

from persistence.database.pool import Pool
from persistence.moderation.notices import Notice
from persistence.moderation.telling import Note
from persistence.webhooks.noting import Hooks
from persistence.webhooks.types import NOTICE
from shared.clock import iso_or_none
from shared.ids import new_id


def notices(pool: Pool, hooks: Hooks) -> Note:
    """Runs no statement where nobody is told. In a transaction of its own, after that of what it tells of."""

    async def note(notice: Notice) -> None:
        if not hooks.wants(NOTICE):
            return
        concerned = {"conversationId": notice.conversation_id, "messageId": notice.message_id}
        data = {
            "userId": notice.user_id,
            "action": notice.action,
            "reason": notice.reason,
            "until": iso_or_none(notice.until),
            **{name: value for name, value in concerned.items() if value is not None},
        }
        await hooks.note(pool, NOTICE, new_id(), data)

    return note
