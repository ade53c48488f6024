"""A gateway's REST routes: the numbers of the fleet, and its health where it runs alone. The acceptor has sockets."""

import time
from typing import Any

import msgspec

from gateway.gateway import Gateway
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint
from shared.redis import REDIS_FAILURES

SUBSCRIBE = "/messages/subscribe"


class FleetStats(msgspec.Struct, rename="camel"):
    """Summed over the gateways that are alive; a conversation or a user with sockets on two of them counts twice."""

    total_clients: int
    total_rooms: int
    online_users: int
    gateways: int
    partial: bool = False
    """Redis is away: these are of one gateway, and those of the others are not known."""


class GatewayHealth(msgspec.Struct, rename="camel", omit_defaults=True):
    """`degraded` names what is away."""

    status: str
    service: str = "gateway"
    uptime_seconds: float = 0.0
    degraded: list[str] = []
    reasons: dict[str, str] = {}


def endpoints(gateway: Gateway, *, with_health: bool) -> list[Endpoint]:
    """`with_health`: where no other service answers GET /health on the same port."""
    stats = Endpoint(
        method="GET",
        path="/messages/stats",
        name="getStats",
        handler=_Stats(gateway).read,
        summary="How many sockets, rooms and users the fleet holds",
        response=FleetStats,
        tag="operations",
        public=True,
        cost=FLAT,
    )
    health = Endpoint(
        method="GET",
        path="/health",
        name="getHealth",
        handler=_Health(gateway).read,
        summary="Whether this gateway serves",
        response=GatewayHealth,
        tag="operations",
        public=True,
        is_health=True,
        cost=FLAT,
    )
    return [stats, health] if with_health else [stats]


class _Stats:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def read(self, _: Call[Any, Any]) -> FleetStats:
        """Of this gateway as it is now, of the others as their leases say; without Redis of this one, and `partial`."""
        own = self._gateway.own_stats()
        try:
            fleet = {**await self._gateway.reader.live(), self._gateway.incarnation: own}
            partial = False
        except REDIS_FAILURES:
            fleet, partial = {self._gateway.incarnation: own}, True
        return FleetStats(
            total_clients=sum(one.connections for one in fleet.values()),
            total_rooms=sum(one.rooms for one in fleet.values()),
            online_users=sum(one.users for one in fleet.values()),
            gateways=len(fleet),
            partial=partial,
        )


class _Health:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._started = time.monotonic()

    async def read(self, _: Call[Any, Any]) -> GatewayHealth:
        reasons = {part: trouble for part, trouble in (await self._gateway.ready()).items() if trouble}
        away = list(reasons)
        uptime = round(time.monotonic() - self._started, 1)
        return GatewayHealth("degraded" if away else "ok", uptime_seconds=uptime, degraded=away, reasons=reasons)
