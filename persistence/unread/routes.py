"""`/api/unread` and `/api/conversations/read-all`."""

import msgspec

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.marks.frames import marked
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.unread import store
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Success

TAG = "account"
_READ_ALL_TOKENS = Cost(lambda _body, _query: 10, per=1)
"""Thousands of cursors may move."""


class UnreadAnswer(msgspec.Struct):
    """Unread `messages` over all conversations, how many of them mention the caller, and in how many `conversations`
    they are; and how many of the other conversations the caller `marked` as unread."""

    messages: int
    mentions: int
    conversations: int
    marked: int


class UnreadRoutes:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery, receipts: ReceiptAnnouncer) -> None:
        self._pool = pool
        self._delivery = delivery
        self._receipts = receipts

    async def totals(self, call: Call[Nothing, Nothing]) -> UnreadAnswer:
        return UnreadAnswer(*await store.totals(self._pool, call.user_id))

    async def read_all(self, call: Call[Nothing, Nothing]) -> Success:
        async for moved in store.read_all(self._pool, call.user_id):
            self._receipts.tell(moved)
        async for unmarked in store.unmark_all(self._pool, call.user_id):
            for conversation_id, marks in unmarked.items():
                self._delivery.to_user(call.user_id, marked(conversation_id, marks))
        return Success()


def endpoints(pool: Pool, delivery: Delivery, receipts: ReceiptAnnouncer) -> list[Endpoint]:
    handlers = UnreadRoutes(pool, delivery, receipts)
    return [
        Endpoint(
            method="GET",
            path="/api/unread",
            name="getUnread",
            handler=handlers.totals,
            summary="How much the caller has not read",
            description="Over all conversations, archived and muted ones too: the number that a badge shows.",
            tag=TAG,
            cost=FLAT,
            response=UnreadAnswer,
        ),
        Endpoint(
            method="POST",
            path="/api/conversations/read-all",
            name="readAllConversations",
            handler=handlers.read_all,
            summary="Read everything",
            description="Moves the caller's cursors to the end of each conversation with something unread, and takes"
            " off all marks of unread. `message.read` tells of each, as if it had been read.",
            tag=TAG,
            cost=_READ_ALL_TOKENS,
            response=Success,
        ),
    ]
