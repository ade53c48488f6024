"""`/api/conversations/{id}/typing`."""

import msgspec

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.publisher import Envelope
from persistence.members.views import Present, Withdrew
from shared import frames, keys, wire
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import blocked, forbidden


class Typing(msgspec.Struct, rename="camel"):
    is_typing: bool


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    async def typing(call: Call[Typing, Nothing]) -> Success:
        standing = await conversations.standing(pool, call.user_id, call.ids["id"])
        if not isinstance(standing, Present):
            raise blocked() if isinstance(standing, Withdrew) else forbidden()
        is_typing = call.body.is_typing
        told = envelope(call.ids["id"], call.user_id, standing.handle, is_typing=is_typing, epoch=delivery.epoch)
        delivery.offer(told)
        return Success()

    return [
        Endpoint(
            method="POST",
            path="/api/conversations/{id}/typing",
            name="setTyping",
            handler=typing,
            summary="Say that the caller types, or stopped",
            description="The others see it stop by itself after six seconds.",
            tag="messages",
            body=Typing,
            cost=FLAT,
            response=Success,
            errors=(403,),
        )
    ]


def envelope(conversation_id: str, user_id: str, handle: str | None, *, is_typing: bool, epoch: str) -> Envelope:
    kind = wire.Kind.TYPING_START if is_typing else wire.Kind.TYPING_STOP
    frame = frames.typing(conversation_id=conversation_id, sender_id=user_id, sender_handle=handle, is_typing=is_typing)
    return Envelope(keys.room(conversation_id), wire.pack(kind, frame, sender=user_id, epoch=epoch))
