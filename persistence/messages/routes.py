"""`/api/conversations/{id}/messages/{message}`: editing, deleting, pinning, and who has read it."""

from typing import Literal

import msgspec

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.logged import Logged
from persistence.messages import deletions, edits, pins, receipts
from persistence.messages.answers import told
from persistence.messages.carried_shapes import Mentions, named
from persistence.messages.mentions import ALL, Named
from persistence.messages.shapes import Data, Files, MessageAnswer, Text, extra_of, files_of
from persistence.messages.texts import trimmed
from persistence.rules import Rules
from persistence.screening.answers import edited as edited_text
from persistence.screening.screening import Screening
from shared import frames
from shared.http.address import base_url
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import not_allowed
from shared.http.fields import Seq

TAG = "messages"
PATH = "/api/conversations/{id}/messages/{message}"


class MessageEdit(msgspec.Struct, rename="camel"):
    """What is left out, or null, stays as it is. `ifRev`: only if no later event touched the message. `mentions` are
    shown and counted, and nobody is notified of them."""

    text: Text | None = None
    data: Data | None = None
    if_rev: Seq | None = None
    mentions: Mentions | None = None
    attachments: Files | None = None

    def whom(self) -> Named | None:
        """Whom the message is to mention; None: as it is."""
        return None if self.mentions is None else Named(named(self.mentions), self.mentions == ALL)


class DeletionQuery(msgspec.Struct):
    for_: Literal["all", "me"] = msgspec.field(default="all", name="for")


class EditsAnswer(msgspec.Struct):
    """What the message said before, the oldest first."""

    edits: list[edits.Version]


class PinAnswer(msgspec.Struct):
    """The `rev` of the message that has it so."""

    rev: int
    success: bool = True


class ReceiptsAnswer(msgspec.Struct):
    """Who read it is also among those who have it. The sender is left out."""

    delivered: list[receipts.Had]
    read: list[receipts.Read]


class OneMessage:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery, rules: Rules, screening: Screening | None) -> None:
        self._pool = pool
        self._screening = screening
        self._delivery = delivery
        self._rules = rules

    async def edit(self, call: Call[MessageEdit, Nothing]) -> MessageAnswer:
        given = call.body
        text = None if given.text is None else trimmed(given.text)
        if text and self._screening is not None and call.identity.key_id is None:
            text = edited_text(await self._screening.before_edit(call.ids["id"], call.user_id, text), text)
        files = None if given.attachments is None else tuple(files_of(given.attachments))
        base = self._rules.public_url or base_url(call.request)
        wanted = edits.Edit(text, extra_of(given.data), given.if_rev, given.whom(), files, base)
        rules = edits.EditRules(self._rules.edit_seconds, keep=self._rules.edit_history != "off")
        found = await edits.edit(self._pool, call.ids["id"], call.user_id, call.ids["message"], wanted, rules)
        edited = told(found, edits.Edited)
        self._tell(edited.logged)
        return MessageAnswer(edited.message, edited.as_of_seq)

    async def delete(self, call: Call[Nothing, DeletionQuery]) -> Success:
        place = call.ids["id"], call.user_id, call.ids["message"]
        if call.query.for_ == "all":
            erased = told(await deletions.delete_for_all(self._pool, *place), deletions.Erased)
            self._tell(erased.logged)
            return Success()
        hidden = told(await deletions.hide(self._pool, *place), deletions.HiddenNow)
        if hidden.is_new:
            conversation_id, user_id, message_id = place
            frame = frames.message_hidden(conversation_id=conversation_id, message_id=message_id, seq=hidden.seq)
            self._delivery.to_user(user_id, frame)
        return Success()

    async def edits(self, call: Call[Nothing, Nothing]) -> EditsAnswer:
        if self._rules.edit_history == "off":
            raise not_allowed("what messages said before is not kept here")
        found = await edits.history(
            self._pool,
            call.ids["id"],
            call.user_id,
            call.ids["message"],
            author_only=self._rules.edit_history == "author",
        )
        return EditsAnswer(told(found, list))

    async def pin(self, call: Call[Nothing, Nothing]) -> PinAnswer:
        return await self._pin(call, on=True)

    async def unpin(self, call: Call[Nothing, Nothing]) -> PinAnswer:
        return await self._pin(call, on=False)

    async def _pin(self, call: Call[Nothing, Nothing], *, on: bool) -> PinAnswer:
        found = await pins.pin(self._pool, call.ids["id"], call.user_id, call.ids["message"], on=on)
        pinned = told(found, pins.Pinned)
        self._tell(pinned.logged)
        return PinAnswer(pinned.rev)

    async def receipts(self, call: Call[Nothing, Nothing]) -> ReceiptsAnswer:
        found = await receipts.readers(self._pool, call.ids["id"], call.user_id, call.ids["message"])
        readers = told(found, receipts.Readers)
        return ReceiptsAnswer(readers.delivered, readers.read)

    def _tell(self, logged: Logged | None) -> None:
        if logged is not None:
            self._delivery.logged([logged])


def endpoints(pool: Pool, delivery: Delivery, rules: Rules, screening: Screening | None = None) -> list[Endpoint]:
    handlers = OneMessage(pool, delivery, rules, screening)
    return [*_changing(handlers), *_of_edits_and_pins(handlers), *_of_receipts(handlers)]


def _changing(handlers: OneMessage) -> list[Endpoint]:
    return [
        Endpoint(
            method="PATCH",
            path=PATH,
            name="editMessage",
            handler=handlers.edit,
            summary="Edit a message of the caller",
            description="For a while after sending (`EDIT_SECONDS`), else 403 `too_late`; for another's 403"
            " `not_allowed`."
            " The same content again is no event. 409 `changed` with the `message` where `ifRev` is older than its"
            " `rev`, 409 `deleted` where there is nothing left to edit. Checked as a new"
            " message is: 422 `rejected`, or `held` for a text that would have to wait.",
            tag=TAG,
            body=MessageEdit,
            cost=FLAT,
            response=MessageAnswer,
            errors=(403, 404, 409, 422),
        ),
        Endpoint(
            method="DELETE",
            path=PATH,
            name="deleteMessage",
            handler=handlers.delete,
            summary="Delete a message, for all or for the caller alone",
            description="`for=all`: by its author, or by whose role allows it, else 403 `not_allowed`. The message"
            " stays in its place as a tombstone, with nothing of what it held. `for=me` hides it on the caller's"
            " devices alone. Repeatable.",
            tag=TAG,
            query=DeletionQuery,
            cost=FLAT,
            response=Success,
            errors=(403, 404),
        ),
    ]


def _of_edits_and_pins(handlers: OneMessage) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=f"{PATH}/edits",
            name="listEdits",
            handler=handlers.edits,
            summary="Read what a message said before",
            description=f"The last {edits.KEPT} texts, with when each was written. For whom `EDIT_HISTORY` allows it,"
            " else 403 `not_allowed`; empty once the message is deleted.",
            tag=TAG,
            cost=FLAT,
            response=EditsAnswer,
            errors=(403, 404),
        ),
        Endpoint(
            method="PUT",
            path=f"{PATH}/pin",
            name="pinMessage",
            handler=handlers.pin,
            summary="Pin a message",
            description=f"For all. In a group by whose role allows it. At most {pins.MOST} a conversation: else 409"
            " `limit`. Repeatable.",
            tag=TAG,
            cost=FLAT,
            response=PinAnswer,
            errors=(403, 404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=f"{PATH}/pin",
            name="unpinMessage",
            handler=handlers.unpin,
            summary="Take a pin off",
            tag=TAG,
            cost=FLAT,
            response=PinAnswer,
            errors=(403, 404, 409),
        ),
    ]


def _of_receipts(handlers: OneMessage) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=f"{PATH}/receipts",
            name="listMessageReceipts",
            handler=handlers.receipts,
            summary="Read who has a message and who has read it",
            description="Of those who were there when it was sent. In a conversation of two for the caller's own"
            f" messages only: else 403 `not_allowed`. `at` is known for two days. At most {receipts.MOST} people.",
            tag=TAG,
            cost=FLAT,
            response=ReceiptsAnswer,
            errors=(403, 404),
        ),
    ]
