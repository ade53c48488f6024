"""The part of a persistence process through which all that happens is sent, told, followed and relayed."""

from collections.abc import Sequence
from dataclasses import dataclass

from persistence.conversations import announcing
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.epoch import Epoch
from persistence.log.event_relay import EventRelay
from persistence.log.follower import Follower
from persistence.log.publisher import Publisher
from persistence.log.relay import Relay
from persistence.log.settling import Settling
from persistence.members.announcer import MembershipAnnouncer
from persistence.members.relay import MembershipRelay
from persistence.messages.queue import SendQueue
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.consumer import ReceiptsConsumer
from persistence.receipts.minima import Minima
from persistence.receipts.stream import ReceiptsStream
from persistence.webhooks.beginnings import Beginnings
from shared.checkpoints import Checkpoints
from shared.ids import new_id
from shared.lifecycle import Tasks
from shared.redis import RedisClient
from shared.settings import Settings
from shared.tracing import Tracing

RELAY_SECONDS = 0.5
SAMPLE_SECONDS = 5.0
REPEAT_SECONDS = 1.0
MINIMA_SECONDS = 0.5


@dataclass(frozen=True)
class Ground:
    """What everything in the process stands on. `blocking` is the client that may wait for streams."""

    settings: Settings
    pool: Pool
    redis: RedisClient
    blocking: RedisClient
    tasks: Tasks
    tracing: Tracing
    epoch: Epoch
    points: Checkpoints


@dataclass(frozen=True)
class Delivering:
    """All of it runs."""

    delivery: Delivery
    memberships: MembershipAnnouncer
    receipts: ReceiptAnnouncer
    sending: SendQueue


def delivering(ground: Ground, followers: Sequence[Follower], beginnings: Beginnings) -> Delivering:
    """The followers are told of every durable event in this order, `beginnings` of every change of membership."""
    pool, tasks, epoch = ground.pool, ground.tasks, ground.epoch
    publisher = Publisher(ground.redis)
    settling = Settling(pool, followers, ground.points)
    delivery = Delivery(publisher, settling, epoch, ground.tracing)
    memberships = MembershipAnnouncer(pool, delivery, beginnings.follow)
    sending = SendQueue(pool, delivery.logged, ground.points)
    of_members = MembershipRelay(publisher, announcing.Overdue(epoch).announce, follow=beginnings.follow)
    of_events = EventRelay(publisher, followers, epoch, ground.points, ground.tracing)
    relay = Relay(pool, [of_members, of_events])
    tasks.spawn(sending.run(), name="send")
    tasks.spawn(publisher.run(), name="publish")
    tasks.spawn(settling.run(), name="settle")
    tasks.spawn(memberships.run(), name="settle_memberships")
    tasks.periodically(RELAY_SECONDS, relay.sweep, name="relay")
    tasks.periodically(SAMPLE_SECONDS, relay.sample, name="outbox_metrics")
    return Delivering(delivery, memberships, _receipts(ground, delivery), sending)


def _receipts(ground: Ground, delivery: Delivery) -> ReceiptAnnouncer:
    """The stream of this deployment, and that of what others handed over to it, are each read by one consumer."""
    minima = Minima(ground.pool, ground.redis, delivery)
    announcer, name = ReceiptAnnouncer(delivery, minima), f"persistence-{new_id()}"
    own, handed_over = (
        ReceiptsStream(ground.blocking, name),
        ReceiptsStream(ground.blocking, name, lambda: ground.epoch.current),
    )
    for stream in (own, handed_over):
        consumer = ReceiptsConsumer(ground.pool, stream, delivery, announcer, ground.points)
        ground.tasks.spawn(consumer.run(), name="receipts")
    ground.tasks.periodically(MINIMA_SECONDS, minima.tell, name="minima")
    ground.tasks.periodically(REPEAT_SECONDS, announcer.repeat, name="receipts_again")
    return announcer
