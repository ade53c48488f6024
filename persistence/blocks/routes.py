"""`/api/blocks`: whom the caller blocks."""

import msgspec

from persistence.blocks import store as blocks
from persistence.blocks.views import Block, Blocking, TooMany
from persistence.conversations import announcing
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.members import envelopes
from persistence.members.announcer import MembershipAnnouncer
from shared import frames
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, NothingNew, Success
from shared.http.errors import at_limit, malformed

TAG = "blocks"
PATH = "/api/blocks/{user}"


class BlocksAnswer(msgspec.Struct):
    """The latest first."""

    blocks: list[Block]


class Blocks:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery, announcer: MembershipAnnouncer) -> None:
        self._pool = pool
        self._delivery = delivery
        self._announcer = announcer

    async def listed(self, call: Call[Nothing, Nothing]) -> BlocksAnswer:
        return BlocksAnswer(await blocks.listed(self._pool, call.user_id))

    async def block(self, call: Call[Nothing, Nothing]) -> Success:
        if call.ids["user"] == call.user_id:
            raise malformed("user", "nobody can block themselves")
        found = await blocks.block(self._pool, call.user_id, call.ids["user"])
        if isinstance(found, TooMany):
            raise at_limit(f"{blocks.MOST} blocked people")
        if not isinstance(found, Blocking):
            return NothingNew()
        self._tell(call.user_id, found)
        return Success()

    async def unblock(self, call: Call[Nothing, Nothing]) -> Success:
        found = await blocks.unblock(self._pool, call.user_id, call.ids["user"])
        if isinstance(found, Blocking):
            self._tell(call.user_id, found)
        return Success()

    def _tell(self, user_id: str, found: Blocking) -> None:
        for conversation_id in found.ended:
            # The room hears of it too: its channel may be the faster one.
            self._delivery.offer(envelopes.withdrawn(conversation_id, user_id, epoch=self._delivery.epoch))
        announcing.changed(self._announcer, found.changes, found.back)
        self._delivery.to_user(user_id, frames.blocks_changed())


def endpoints(pool: Pool, delivery: Delivery, announcer: MembershipAnnouncer) -> list[Endpoint]:
    handlers = Blocks(pool, delivery, announcer)
    return [*_reading(handlers), *_changing(handlers)]


def _reading(handlers: Blocks) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/blocks",
            name="listBlocks",
            handler=handlers.listed,
            summary="List whom the caller blocks",
            description=f"At most {blocks.MOST} people. A frame `blocks.changed` on the caller's other devices says"
            " that it is to be read again.",
            tag=TAG,
            cost=FLAT,
            response=BlocksAnswer,
        ),
    ]


def _changing(handlers: Blocks) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=PATH,
            name="putBlock",
            handler=handlers.block,
            summary="Block somebody",
            description="The conversations of the two end for the caller, who still finds them with `GET"
            " /api/conversations?blocked=true`; the other one keeps their history, and can do nothing new in them. In"
            " groups both stay, and the caller gets no pushes of the other's messages. The blocked one is not told."
            f" Repeatable; 409 `limit` past {blocks.MOST}.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(409,),
        ),
        Endpoint(
            method="DELETE",
            path=PATH,
            name="deleteBlock",
            handler=handlers.unblock,
            summary="Unblock somebody",
            description="Brings back the conversations of the two as they were. Repeatable.",
            tag=TAG,
            cost=FLAT,
            response=Success,
        ),
    ]
