"""Receipts as rooms hear them, and the word to a gateway that its batch was applied."""

from collections.abc import Iterator, Sequence

import msgspec

from persistence.log.publisher import Envelope
from persistence.receipts.views import Minimum, Moved, Pointer
from shared import api, frames, keys, wire


def of(receipt: api.Receipt, *, epoch: str) -> Envelope:
    payload = wire.pack(
        wire.Kind.RECEIPT,
        bytes(receipt.frame),
        flags=receipt.status,
        seq=receipt.seq,
        sender=receipt.sender_id,
        epoch=epoch,
    )
    return Envelope(keys.room(receipt.conversation_id), payload)


def receipts(moved: Sequence[Moved]) -> list[api.Receipt]:
    """One for each cursor that moved; delivered before read."""
    return [receipt for one in moved for receipt in _receipts(one)]


def _receipts(moved: Moved) -> Iterator[api.Receipt]:
    pointers: list[tuple[wire.ReceiptStatus, Pointer | None]] = [
        (wire.ReceiptStatus.DELIVERED, moved.delivered),
        (wire.ReceiptStatus.READ, moved.read),
    ]
    for status, pointer in pointers:
        if pointer is not None:
            frame = frames.receipt(
                status=status.name.lower(),
                conversation_id=moved.conversation_id,
                message_id=pointer.message_id,
                seq=pointer.seq,
                reader_id=moved.user_id,
                reader_handle=moved.handle,
            )
            yield api.Receipt(moved.conversation_id, pointer.seq, moved.user_id, msgspec.Raw(frame), status)


def receipts_all(minimum: Minimum) -> api.Receipt:
    frame = frames.receipts_all(
        conversation_id=minimum.conversation_id, delivered_up_to=minimum.delivered, read_up_to=minimum.read
    )
    progress = minimum.delivered + minimum.read
    raw = msgspec.Raw(frame)
    return api.Receipt(minimum.conversation_id, progress, wire.NOBODY_ID, raw, wire.ReceiptStatus.ALL)


def own(moved: Moved, *, epoch: str) -> Iterator[Envelope]:
    """What the reader's other devices hear, where no other one is told: of a big group, and of a private reader."""
    for receipt in _receipts(moved._replace(delivered=None)):
        yield of(receipt, epoch=epoch)._replace(channel=keys.user(moved.user_id))


def applied(gateway: str, number: int) -> Envelope:
    """This batch of the gateway's receipts is in Postgres."""
    return Envelope(keys.gateway(gateway), wire.pack(wire.Kind.APPLIED, b"", seq=number))
