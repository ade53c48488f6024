"""What every workload over sockets says of its deliveries."""

from tests.bench.load.arrivals import Outcome
from tests.bench.machine import Usage

Numbers = dict[str, float]


def delivery_numbers(outcome: Outcome, usage: Usage) -> Numbers:
    """Latency from the intended publish to the client's read; CPU of the server, and of Redis, for each delivery."""
    delivered = max(1, outcome.delivered)
    return {
        "cpu_us": usage.cpu["server"] / delivered * 1e6,
        "redis_us": usage.cpu["redis"] / delivered * 1e6,
        "p50_ms": outcome.percentile_ms(0.5),
        "p99_ms": outcome.percentile_ms(0.99),
        "server_share": usage.cpu["server"] / usage.wall_seconds,
        "client_share": usage.cpu["client"] / usage.wall_seconds,
        "lost": outcome.lost,
        "duplicated": outcome.duplicated,
        "disordered": outcome.disordered + outcome.unexpected + outcome.syncs,
        "noise": usage.noise,
    }
