"""What the gateway counts, as plain numbers that the hot path may bump; Prometheus reads them when it scrapes.

`observe` of prometheus-client costs a microsecond, which is half of what an event may cost altogether.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.metrics import CONTINUITY_BUCKETS, DELIVERY_BUCKETS, LIFETIME_BUCKETS
from shared.streams import GatewayStats

FRAME_TYPES = ("durable", "receipt", "typing", "presence", "event", "other")
"""By the kind of the envelope: the gateway does not read the frames that it forwards."""


class Spread:
    """A histogram of seconds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def cumulated(self) -> list[tuple[str, float]]:
        reached, buckets = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            reached += count
            buckets.append((bound, float(reached)))
        return buckets


class Stats(Collector):
    """One per gateway. `held` says what it holds, `excess` how many frames were beyond the limit;
    `broadcast` and `delivery` are samples of one event in sixteen."""

    def __init__(self, held: Callable[[], GatewayStats], excess: Callable[[], int]) -> None:
        self._held = held
        self._excess = excess
        self.frames_sent = dict.fromkeys(FRAME_TYPES, 0)
        self.durable_sent = 0
        self.opened = 0
        self.reconnects = 0
        self.aged = 0
        self.closed: dict[int, int] = {}
        self.failures: dict[str, int] = {}
        self.slow_consumers = 0
        self.gaps = 0
        self.broadcast = Spread(DELIVERY_BUCKETS)
        self.delivery = Spread(DELIVERY_BUCKETS)
        self.lifetime = Spread(LIFETIME_BUCKETS)
        self.ack = Spread(DELIVERY_BUCKETS)
        self.undetected_gap = Spread(CONTINUITY_BUCKETS)
        self.consistency = {after: Spread(CONTINUITY_BUCKETS) for after in ("link_break", "resume")}

    def count_closed(self, code: int) -> None:
        """By a code that is not ours to name, a client could make as many series as there are codes."""
        known = code if code <= 1015 or 4400 <= code <= 4504 else 0
        self.closed[known] = self.closed.get(known, 0) + 1

    def count_failure(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1

    def collect(self) -> Iterator[Metric]:
        held = self._held()
        yield _gauge("connections", "Sockets that were told `connected`.", held.connections)
        yield _gauge("rooms", "Conversations with a member here.", held.rooms)
        yield _gauge("users", "Users with a socket here.", held.users)
        yield _counter("connections_opened", "Sockets that were told `connected`.", self.opened)
        yield _counter("reconnects", "Sockets whose user had one here within the grace of presence.", self.reconnects)
        yield _counter("connections_aged", "Sockets that were asked to move because of their age.", self.aged)
        yield _counter("slow_consumers", "Sockets cut off because their client read too slowly.", self.slow_consumers)
        yield _counter("gaps", "GapFiller in a room's events that had to be fetched from the log.", self.gaps)
        yield _counter("frames_refused", "Frames of clients beyond RATE_LIMIT_FRAMES, of any sort.", self._excess())
        yield _labelled("frames_sent", "Frames to sockets.", "type", self._frames())
        yield _labelled("connections_closed", "Sockets closed.", "code", self.closed)
        yield _labelled("connection_failures", "Upgrades that led to no session.", "reason", self.failures)
        yield _histogram("broadcast_seconds", "From Redis to the last socket write of an event.", self.broadcast)
        yield _histogram("delivery_seconds", "From an event's commit to its last socket write.", self.delivery)
        yield _histogram("connection_seconds", "How long sockets live.", self.lifetime)
        yield _histogram("ack_seconds", "From a receipt frame to its being in Postgres.", self.ack)
        words = "How long a client lacked an event that neither came nor was announced by `sync`, until it was found."
        yield _histogram("undetected_gap_seconds", words, self.undetected_gap)
        words = "From a Redis link's break until every room is proven whole; from a connect until the client is."
        yield _histograms("consistency_seconds", words, "after", self.consistency)

    def _frames(self) -> dict[str, int]:
        return {**self.frames_sent, "durable": self.durable_sent}


def _gauge(name: str, words: str, value: int) -> Metric:
    return GaugeMetricFamily(f"parley_gateway_{name}", words, value=value)


def _counter(name: str, words: str, value: int) -> Metric:
    return CounterMetricFamily(f"parley_gateway_{name}", words, value=value)


def _labelled(name: str, words: str, label: str, values: "dict[str, int] | dict[int, int]") -> Metric:
    family = CounterMetricFamily(f"parley_gateway_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _histogram(name: str, words: str, spread: Spread) -> Metric:
    family = HistogramMetricFamily(f"parley_gateway_{name}", words)
    family.add_metric([], buckets=spread.cumulated(), sum_value=spread.total)
    return family


def _histograms(name: str, words: str, label: str, spreads: dict[str, Spread]) -> Metric:
    family = HistogramMetricFamily(f"parley_gateway_{name}", words, labels=[label])
    for key, spread in spreads.items():
        family.add_metric([key], buckets=spread.cumulated(), sum_value=spread.total)
    return family
