"""`/api/messages/{id}/trace`: what became of a message, for who sent it."""

import msgspec

from persistence.database.pool import Pool
from persistence.push.preferences import preferences
from persistence.trace.store import RecipientTrace, trace
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import not_found


class RecipientView(msgspec.Struct, rename="camel"):
    """What a sender may know of a recipient: what receipts and presence tell as well, and that a push went out.

    Not why none did: whether somebody muted a conversation, or has no device, is their own affair.
    """

    user_id: str
    handle: str | None
    connected: bool | None
    delivered: bool
    delivered_at: str | None
    read: bool
    read_at: str | None
    pushed_at: str | None


class TraceView(msgspec.Struct, rename="camel"):
    """`deadlineAt`: who was connected and had not taken it by then is told by push."""

    message_id: str
    conversation_id: str
    seq: int
    committed_at: str
    published: bool
    deadline_at: str
    recipients: list[RecipientView]


class OwnTraces:
    """The handler, over one pool."""

    def __init__(self, pool: Pool, ack_timeout_seconds: float) -> None:
        self._pool = pool
        self._ack_timeout_seconds = ack_timeout_seconds

    async def read(self, call: Call[Nothing, Nothing]) -> TraceView:
        found = await trace(self._pool, call.ids["id"])
        if found is None or found.sender_id != call.user_id:
            raise not_found("you sent no such message")
        wishes = await preferences(self._pool, call.user_id)
        return TraceView(
            message_id=found.message_id,
            conversation_id=found.conversation_id,
            seq=found.seq,
            committed_at=found.committed_at,
            published=found.published,
            deadline_at=found.deadline_at(self._ack_timeout_seconds),
            recipients=[_shown(one, shows_reads=wishes.read_receipts) for one in found.recipients],
        )


def _shown(recipient: RecipientTrace, *, shows_reads: bool) -> RecipientView:
    """`shows_reads`: the sender tells others how far they read; else they do not see it of others either."""
    sent = sorted(device.settled_at for device in recipient.devices if device.state == "sent")
    return RecipientView(
        user_id=recipient.user_id,
        handle=recipient.handle,
        connected=recipient.connected,
        delivered=recipient.delivered,
        delivered_at=recipient.delivered_at,
        read=recipient.read and shows_reads,
        read_at=recipient.read_at if shows_reads else None,
        pushed_at=sent[0] if sent else None,
    )


def endpoints(pool: Pool, ack_timeout_seconds: float) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/messages/{id}/trace",
            name="traceMessage",
            handler=OwnTraces(pool, ack_timeout_seconds).read,
            cost=FLAT,
            summary="What became of a message of the caller",
            description="When it was committed, who has it and has read it since when, and who was told by push.",
            tag="messages",
            response=TraceView,
            errors=(404,),
        )
    ]
