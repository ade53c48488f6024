"""What every process measures the same way, and how its metrics are written for Prometheus.

A metric is declared at the top of the module that bumps it; only the two that every service shares stand here. No
label ever holds a user, a conversation or a token.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# A `_created` series beside each counter and histogram would nearly double what is scraped, and nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]

DELIVERY_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds from commit to socket write, or of one broadcast: fine where a live message should be."""

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds of an HTTP request, a query, or a call to another service."""

CONTINUITY_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 1800.0)
"""Seconds for which a client lacked something, or a gateway could not prove that it did not."""

LIFETIME_BUCKETS = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""Seconds that a connection lives."""

HTTP_REQUEST_SECONDS = Histogram(
    "parley_http_request_seconds",
    "Seconds from a request's head to the end of its answer; the route is the pattern, never the path asked for.",
    ["service", "method", "route", "status"],
    buckets=REQUEST_BUCKETS,
)

ERRORS = Counter(
    "parley_errors_total",
    "Faults of ours or of a dependency, by kind; a client's mistake is not one.",
    ["service", "kind"],
)


def value_of(metric: Counter | Gauge) -> float:
    """What it stands at in this process, summed over its labels."""
    return sum(sample.value for family in metric.collect() for sample in family.samples)


def render() -> bytes:
    """Every metric of this process, in Prometheus' text format 0.0.4; send it with `CONTENT_TYPE`."""
    return generate_latest()
