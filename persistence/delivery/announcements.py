"""What persistence tells the gateways: the envelope for each thing that happened, and the channel it goes to."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from persistence.conversations.views import Conversation, Hidden
from persistence.log.logged import Logged
from persistence.log.publisher import Envelope
from persistence.members.user_outbox import Change
from persistence.members.views import Member
from persistence.receipts.views import Minimum, Moved, Pointer
from shared import api, frames, keys, wire


def event(event: Logged, *, epoch: str, committed_us: int) -> Envelope:
    frame = event.frame()
    payload = wire.pack(
        wire.Kind.REMOVED if event.removed else wire.Kind.DURABLE,
        wire.pack_removed(event.removed, frame) if event.removed else frame,
        flags=event.flags,
        seq=event.seq,
        committed_us=committed_us,
        sender=event.sender_id,
        epoch=epoch,
    )
    return Envelope(keys.room(event.conversation_id), payload)


def span(event: Logged, context: bytes) -> Envelope:
    """To be published right before this event."""
    return Envelope(keys.room(event.conversation_id), wire.pack(wire.Kind.SPAN, context, seq=event.seq))


def joined(members: Iterable[Member], conversation: Conversation, *, epoch: str) -> Iterator[Envelope]:
    """`conversation` as each of these members sees it, which is encoded once: a group of 1,000 is told 1,000 times."""
    membership = wire.Membership(
        conversation.id,
        members=conversation.participant_count,
        last_seq=conversation.last_seq,
        conversation=msgspec.Raw(msgspec.json.encode(conversation)),
    )
    encoded = msgspec.json.encode(membership)
    return (_to_user(wire.Kind.JOINED, member, encoded, epoch) for member in members)


def hidden(hidden: Hidden, conversation_id: str, *, epoch: str) -> Envelope:
    membership = wire.Membership(conversation_id, hidden_seq=hidden.seq)
    return _membership(wire.Kind.HIDDEN, hidden.member, membership, epoch)


def left(member: Member, conversation_id: str, *, epoch: str) -> Envelope:
    return _membership(wire.Kind.LEFT, member, wire.Membership(conversation_id), epoch)


def of_change(change: Change, view: Conversation | None, *, epoch: str) -> Envelope:
    """`view`: the conversation as the user sees it, for one who came into it."""
    if change.kind is wire.Kind.JOINED and view is not None:
        [envelope] = joined([change.member], view, epoch=epoch)
        return envelope
    if change.kind is wire.Kind.HIDDEN and change.hidden_seq is not None:
        return hidden(Hidden(change.member, change.hidden_seq), change.conversation_id, epoch=epoch)
    if change.kind in (wire.Kind.BARRED, wire.Kind.UNBARRED):
        return _membership(change.kind, change.member, wire.Membership(change.conversation_id), epoch)
    # Joined or hidden, and gone before anybody was told: the version must not be missing all the same.
    return left(change.member, change.conversation_id, epoch=epoch)


def withdrawn(conversation_id: str, user_id: str, *, epoch: str) -> Envelope:
    """The user is out of the room, and no event says so."""
    payload = wire.pack(wire.Kind.WITHDRAWN, wire.pack_removed([user_id], b""), epoch=epoch)
    return Envelope(keys.room(conversation_id), payload)


def _membership(kind: wire.Kind, member: Member, membership: wire.Membership, epoch: str) -> Envelope:
    return _to_user(kind, member, msgspec.json.encode(membership), epoch)


def _to_user(kind: wire.Kind, member: Member, encoded: bytes, epoch: str) -> Envelope:
    return Envelope(keys.user(member.user_id), wire.pack(kind, encoded, seq=member.version, epoch=epoch))


def receipt_of(receipt: api.Receipt, *, epoch: str) -> Envelope:
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
            )
            yield api.Receipt(moved.conversation_id, pointer.seq, moved.user_id, msgspec.Raw(frame), status)


def receipts_all(minimum: Minimum) -> api.Receipt:
    frame = frames.receipts_all(
        conversation_id=minimum.conversation_id, delivered_up_to=minimum.delivered, read_up_to=minimum.read
    )
    progress = minimum.delivered + minimum.read
    raw = msgspec.Raw(frame)
    return api.Receipt(minimum.conversation_id, progress, wire.NOBODY_ID, raw, wire.ReceiptStatus.ALL)


def own_receipts(moved: Moved, *, epoch: str) -> Iterator[Envelope]:
    """What the reader's other devices hear of a big group, where the others hear no names."""
    for receipt in _receipts(moved._replace(delivered=None)):
        yield receipt_of(receipt, epoch=epoch)._replace(channel=keys.user(moved.user_id))


def user_frame(user_id: str, frame: bytes, *, epoch: str) -> Envelope:
    """A finished frame for all devices of this user that are connected; whatever it tells has a route, too."""
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.USER_FRAME, frame, epoch=epoch))


def kicked(user_id: str, *, epoch: str) -> Envelope:
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.KICKED, b"", epoch=epoch))


def banned(user_id: str, *, epoch: str) -> Envelope:
    return Envelope(keys.user(user_id), wire.pack(wire.Kind.BANNED, b"", epoch=epoch))


def revoked(session_id: str, until: float, *, epoch: str) -> Envelope:
    revocation = msgspec.json.encode(wire.Revocation(session_id, until))
    return Envelope(keys.REVOCATIONS, wire.pack(wire.Kind.REVOKED, revocation, epoch=epoch))


def applied(gateway: str, number: int) -> Envelope:
    """This batch of the gateway's receipts is in Postgres."""
    return Envelope(keys.gateway(gateway), wire.pack(wire.Kind.APPLIED, b"", seq=number))


def typing(conversation_id: str, user_id: str, is_typing: bool, *, epoch: str) -> Envelope:
    kind = wire.Kind.TYPING_START if is_typing else wire.Kind.TYPING_STOP
    frame = frames.typing(conversation_id=conversation_id, sender_id=user_id, is_typing=is_typing)
    return Envelope(keys.room(conversation_id), wire.pack(kind, frame, sender=user_id, epoch=epoch))


def app_event(conversation_id: str, sender_id: str, name: str, data: bytes, *, epoch: str) -> Envelope:
    frame = frames.event(conversation_id=conversation_id, sender_id=sender_id, name=name, data=data)
    return Envelope(keys.room(conversation_id), wire.pack(wire.Kind.EVENT, frame, sender=sender_id, epoch=epoch))
