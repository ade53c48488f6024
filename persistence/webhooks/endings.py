"""Messages that end by themselves, told as `message.deleted` by `retention`: no event of the log says that they do."""

from collections.abc import Sequence

from persistence.database.pool import Database
from persistence.messages.expiry import Gone, Note
from persistence.webhooks.noting import Hooks
from shared.events.message_deleted import MESSAGE_DELETED


def endings(hooks: Hooks) -> Note:
    """Runs no statement where nobody is told of deletions. The same message again notes nothing."""

    async def note(database: Database, gone: Sequence[Gone]) -> None:
        for one in gone if hooks.wants(MESSAGE_DELETED.name) else ():
            data = {
                "conversationId": one.conversation_id,
                "seq": one.seq,
                "messageId": one.message_id,
                "messageSeq": one.seq,
                "deletedBy": None,
                "by": "retention",
            }
            await hooks.note(database, MESSAGE_DELETED.name, f"expired:{one.message_id}", data, one.conversation_id)

    return note
