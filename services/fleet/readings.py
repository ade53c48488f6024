"""The numbers that each service says of itself. Nothing is counted for this: it reads what is counted anyway."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.gateway import Gateway
from persistence.log import relay
from persistence.messages.queue import MESSAGES
from pusher.metrics import BULK_PENDING, PUSHES, STREAM_AGE, STREAM_PENDING
from shared.metrics import value_of

Away = Callable[[], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class Reading:
    """`parts` says why a part cannot be worked with, `gauges` what is now, `counters` what has been since the start,
    `epoch` which line of history the process follows, empty while it does not know."""

    service: str
    parts: Away
    gauges: Callable[[], dict[str, float]]
    counters: Callable[[], dict[str, float]]
    epoch: Callable[[], str]
    incarnation: str = ""


def of_gateway(gateway: Gateway) -> Reading:
    def gauges() -> dict[str, float]:
        held = gateway.own_stats()
        return {"connections": held.connections, "rooms": held.rooms, "users": held.users}

    def counters() -> dict[str, float]:
        stats = gateway.stats
        closed = sum(stats.closed.values())
        return {"deliveries": stats.durable_sent, "connects": stats.opened, "closes": closed}

    return Reading("gateway", gateway.ready, gauges, counters, lambda: gateway.epoch, gateway.incarnation)


def of_persistence(parts: Away, epoch: Callable[[], str]) -> Reading:
    def gauges() -> dict[str, float]:
        pending, age = value_of(relay.PENDING), value_of(relay.AGE_SECONDS)
        return {"outbox_pending": pending, "outbox_age_seconds": age}

    return Reading("persistence", parts, gauges, lambda: {"messages": value_of(MESSAGES)}, epoch)


def of_pusher(parts: Away, epoch: Callable[[], str]) -> Reading:
    def gauges() -> dict[str, float]:
        pending, bulk, age = value_of(STREAM_PENDING), value_of(BULK_PENDING), value_of(STREAM_AGE)
        return {"stream_pending": pending, "bulk_pending": bulk, "stream_age_seconds": age}

    return Reading("pusher", parts, gauges, lambda: {"pushes": value_of(PUSHES)}, epoch)
