"""From demand and costs to processes, shards and cores."""

from dataclasses import dataclass, fields
from math import ceil

from services.plan.costs import Cost, Costs
from services.plan.demand import Demand

EXPO_PER_SECOND = 600
"""Notifications a second that Expo takes for one project (docs.expo.dev, "Push notification limits")."""


@dataclass(frozen=True)
class Limits:
    """How full anything may be in the busiest moment. `utilisation` of a core leaves room for one that failed, and for
    what no average shows; `gateway_connections` bounds how many must come back when one gateway dies."""

    utilisation: float = 0.5
    gateway_connections: int = 20_000
    spare_gateways: int = 1
    retention_days: int = 365
    shard_gib: float = 8.0


@dataclass(frozen=True)
class Fleet:
    gateways: int
    gateway_mib: float
    persistences: int
    pushers: int
    redis_shards: int
    redis_gib: float
    postgres_cores: int
    postgres_gib: float
    database_connections: int
    needs_expo_agreement: bool


def fleet(demand: Demand, costs: Costs, limits: Limits, database_pool: int = 10) -> Fleet:
    """One process is one core. At least two of each, so that one may die."""
    cores = _cores(demand, costs, limits.utilisation)
    gateways = _gateways(demand, cores.gateway, limits)
    persistences = _at_least_two(cores.persistence)
    redis_bytes = _redis_bytes(demand, costs)
    return Fleet(
        gateways=gateways,
        gateway_mib=_gateway_bytes(demand, costs, gateways) / 2**20,
        persistences=persistences,
        pushers=_at_least_two(demand.pushes / EXPO_PER_SECOND),
        redis_shards=ceil(max(cores.redis, redis_bytes / limits.shard_gib / 2**30, 1.0)),
        redis_gib=redis_bytes / 2**30,
        postgres_cores=_at_least_two(cores.postgres),
        postgres_gib=demand.messages_per_day * limits.retention_days * costs.message_bytes / 2**30,
        database_connections=persistences * database_pool,
        needs_expo_agreement=demand.pushes > EXPO_PER_SECOND,
    )


def _cores(demand: Demand, costs: Costs, utilisation: float) -> Cost:
    """Cores of each part: for the busiest moment, and for everyone's return, which may use all of them."""
    work = [
        (demand.sends, costs.send),
        (demand.deliveries, costs.deliver),
        (demand.receipts, costs.receipt),
        (demand.accepts, costs.accept),
        (demand.connections, costs.idle),
        (demand.reads, costs.read),
    ]

    def cores_of(part: str) -> float:
        busy = sum(rate * getattr(cost, part) for rate, cost in work) / 1e6
        returning = demand.returning * getattr(costs.accept, part) / 1e6
        return float(max(busy / utilisation, returning))

    return Cost(**{part.name: cores_of(part.name) for part in fields(Cost)})


def _gateways(demand: Demand, cores: float, limits: Limits) -> int:
    by_sockets = demand.connections / limits.gateway_connections
    return _at_least_two(max(cores, by_sockets) + limits.spare_gateways)


def _gateway_bytes(demand: Demand, costs: Costs, gateways: int) -> float:
    """With one gateway away. A room is here for one member alone: in a large fleet the others are elsewhere."""
    each = costs.connection_bytes + demand.rooms_each * costs.room_bytes + costs.kernel_bytes
    return demand.connections / (gateways - 1) * each


def _redis_bytes(demand: Demand, costs: Costs) -> float:
    each = costs.redis_user_bytes + demand.rooms_each * costs.redis_channel_bytes
    return demand.connections * each


def _at_least_two(number: float) -> int:
    return max(2, ceil(number))
