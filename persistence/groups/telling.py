"""What is told of a change of a group, after its commit."""

from persistence.conversations import announcing
from persistence.groups.views import AsBefore, Changed, Gone, Joined
from persistence.log.delivery import Delivery
from persistence.members.announcer import MembershipAnnouncer
from persistence.receipts.announcer import ReceiptAnnouncer


class Telling:
    """Whoever changes a group tells it here."""

    def __init__(self, delivery: Delivery, memberships: MembershipAnnouncer, receipts: ReceiptAnnouncer) -> None:
        self._delivery = delivery
        self._memberships = memberships
        self._receipts = receipts

    async def tell(self, found: Changed | Joined | Gone | AsBefore) -> None:
        """The room hears the event; whoever came in or left hears so on all devices. Waits only where many are being
        told already."""
        if isinstance(found, AsBefore) or found.logged is None:
            return
        self._delivery.logged([found.logged])
        if isinstance(found, Joined):
            for arrived in found.arrived:
                await announcing.joined(self._memberships, arrived)
        elif isinstance(found, Gone):
            announcing.changed(self._memberships, found.changes, {})
            self._receipts.left(found.conversation_id)
