"""What users' devices are told of their conversations: that one is there, is hidden, or is barred."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from persistence.conversations import store as conversations
from persistence.conversations.views import Conversation, Created, Hidden
from persistence.database.pool import Connection
from persistence.log.epoch import Epoch
from persistence.log.publisher import Envelope
from persistence.members import envelopes
from persistence.members.announcer import MembershipAnnouncer
from persistence.members.user_outbox import Change
from persistence.members.views import Member, Role
from shared import wire
from shared.wire import Kind


async def joined(announcer: MembershipAnnouncer, created: Created) -> None:
    """Waits where many are being told already. Cancelled, it leaves the rest to the relay."""
    await announcer.tell_in_turn(_told(created, epoch=announcer.epoch))


def hidden(announcer: MembershipAnnouncer, conversation_id: str, hidden: Hidden) -> None:
    announcer.tell(hidden.member, _hidden(hidden, conversation_id, epoch=announcer.epoch))


def changed(announcer: MembershipAnnouncer, changes: Sequence[Change], back: Mapping[str, Conversation]) -> None:
    """In the order of each user's version. `back`: conversations into which somebody of them came, as that one sees
    them."""
    for change in changes:
        envelope = _of_change(change, back.get(change.conversation_id), epoch=announcer.epoch)
        announcer.tell(change.member, envelope)


class Overdue:
    """What the relay of memberships announces: each change as its member sees the conversation by now."""

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch

    async def announce(self, connection: Connection, changes: Sequence[Change]) -> list[Envelope]:
        joins = [(change.user_id, change.conversation_id) for change in changes if change.kind is Kind.JOINED]
        views = await conversations.view(connection, joins)
        return [
            _of_change(change, views.get((change.user_id, change.conversation_id)), epoch=self._epoch.current)
            for change in changes
        ]


def _of_change(change: Change, view: Conversation | None, *, epoch: str) -> Envelope:
    """`view`: the conversation as the user sees it, for one who came into it."""
    if change.kind is Kind.JOINED and view is not None:
        return envelopes.to_member(Kind.JOINED, change.member, _joined(view), epoch=epoch)
    if change.kind is Kind.HIDDEN and change.hidden_seq is not None:
        return _hidden(Hidden(change.member, change.hidden_seq), change.conversation_id, epoch=epoch)
    if change.kind in (Kind.BARRED, Kind.UNBARRED):
        membership = wire.Membership(change.conversation_id)
        return envelopes.membership(change.kind, change.member, membership, epoch=epoch)
    # Joined or hidden, and gone before anybody was told: the version must not be missing all the same.
    return envelopes.left(change.member, change.conversation_id, epoch=epoch)


def _told(created: Created, *, epoch: str) -> Iterator[tuple[Member, Envelope]]:
    """Each member with the conversation as they see it: for all but the owner the same, which is encoded once."""
    view = created.conversation
    as_member = _joined(view if created.owner_id is None else msgspec.structs.replace(view, role=Role.MEMBER))
    for member in created.joined:
        encoded = as_member
        if member.user_id == created.owner_id:
            encoded = _joined(msgspec.structs.replace(view, role=Role.OWNER))
        yield member, envelopes.to_member(Kind.JOINED, member, encoded, epoch=epoch)


def _joined(conversation: Conversation) -> bytes:
    """A membership of whoever sees this conversation so."""
    membership = wire.Membership(
        conversation.id,
        members=conversation.participant_count,
        last_seq=conversation.last_seq,
        conversation=msgspec.Raw(msgspec.json.encode(conversation)),
    )
    return msgspec.json.encode(membership)


def _hidden(hidden: Hidden, conversation_id: str, *, epoch: str) -> Envelope:
    membership = wire.Membership(conversation_id, hidden_seq=hidden.seq)
    return envelopes.membership(Kind.HIDDEN, hidden.member, membership, epoch=epoch)
