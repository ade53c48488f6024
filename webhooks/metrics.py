"""What the service counts."""

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import REQUEST_BUCKETS

DELIVERIES = Counter(
    "parley_webhooks_deliveries_total",
    "Events that were told, by what became of the attempt: `delivered`, `failed` (answered, and not by 2xx), `away` (no"
    " answer), `refused` (an address that is not to be called).",
    ["outcome"],
)
DELIVERY_SECONDS = Histogram(
    "parley_webhooks_delivery_seconds", "Seconds of one request to an endpoint.", buckets=REQUEST_BUCKETS
)
IN_HAND = Gauge("parley_webhooks_in_hand", "Deliveries that this process has claimed and not told the outcome of.")
REFUSED_ADDRESSES = Counter(
    "parley_webhooks_refused_addresses_total", "Connections that were not made: the address is none of the internet."
)
