"""What Parley wants to reach, as ratios to what is measured in the same run, or as CPU for each unit of work. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.plan import CONNECTIONS, LIMIT, PARLEY, ROOMS
from tests.bench.results import Results

Measure = Callable[[Results], float | None]


@dataclass(frozen=True)
class Target:
    name: str
    bound: float
    measure: Measure
    unit: str = ""
    at_least: bool = False

    def is_met(self, measured: float) -> bool:
        return measured >= self.bound if self.at_least else measured <= self.bound


def _own(key: str, name: str) -> Measure:
    return lambda results: results.median(key, PARLEY, name)


def _to(system: str, key: str, name: str) -> Measure:
    return lambda results: results.ratio(key, name, system)


def _to_pgbench(results: Results) -> float | None:
    reached, limit = results.median("sends random", PARLEY, "sends_per_s"), _own("store random", "pgbench_tps")(results)
    return reached / limit if reached and limit else None


def _accept_to_socketio(results: Results) -> float | None:
    mine, theirs = results.median("storm", PARLEY, "accept_ms"), results.median("idle in 1", "socket.io", "accept_ms")
    return mine / theirs if mine and theirs else None


def _flatness(keys: list[str]) -> Measure:
    """How far the dearest of these stands above the cheapest."""

    def measure(results: Results) -> float | None:
        costs = [cost for key in keys if (cost := results.median(key, PARLEY, "cpu_us"))]
        return max(costs) / min(costs) if len(costs) > 1 else None

    return measure


TARGETS = (
    Target("hot room: CPU per delivery / limit", 0.6, _to(LIMIT, "hot_room", "cpu_us")),
    Target("hot room: CPU per delivery / NATS", 0.7, _to("nats", "hot_room", "cpu_us")),
    Target("hot room: CPU per delivery / Socket.IO", 0.25, _to("socket.io", "hot_room", "cpu_us")),
    Target("rooms of two: publishes at p99 < 50 ms", 32_000, _own("one_to_one", "highest_rate"), "/s", at_least=True),
    Target("rooms of two at 1,000/s: CPU per delivery / limit", 1.3, _to(LIMIT, "one_to_one", "cpu_us@1000")),
    Target("rooms of two at 8,000/s: CPU per delivery / limit", 1.3, _to(LIMIT, "one_to_one", "cpu_us@8000")),
    Target("rooms of two at 1,000/s: p99 / limit", 2.0, _to(LIMIT, "one_to_one", "p99_ms@1000")),
    Target("idle connection in one conversation", 2.5, _own("idle in 1", "kib_each"), "KiB"),
    Target("idle connection in ten conversations", 5.0, _own("idle in 10", "kib_each"), "KiB"),
    Target("idle connection in ten, partners here too", 5.0, _own("idle with friends", "kib_each"), "KiB"),
    Target("storm: gateway CPU per accept into ten rooms", 0.35, _own("storm", "accept_ms"), "ms"),
    Target("storm: the same / Socket.IO's bare connect", 1.2, _accept_to_socketio),
    Target("sends, random conversations: persistence CPU", 0.40, _own("sends random", "persistence_ms"), "ms"),
    Target("sends, random conversations / pgbench", 0.4, _to_pgbench, at_least=True),
    Target("sends into one conversation over REST", 2500, _own("sends hot", "sends_per_s"), "/s", at_least=True),
    Target("sends into one conversation at the store", 8000, _own("store hot", "sends_per_s"), "/s", at_least=True),
    Target("send to receive at 20/s: p50", 3.0, _own("latency", "light_p50_ms"), "ms"),
    Target("send to receive at 20/s: p99", 7.0, _own("latency", "light_p99_ms"), "ms"),
    Target("send to receive at half the highest rate: p99", 20.0, _own("latency", "half_p99_ms"), "ms"),
    Target("the list of a user with 1,000 conversations: p50", 20.0, _own("reads", "long_p50_ms"), "ms"),
    Target("growth, 10 to 10,000 rooms: dearest / cheapest", 1.5, _flatness([f"growth rooms {n}" for n, _ in ROOMS])),
    Target(
        "growth, 100 to 9,000 connections: dearest / cheapest",
        1.5,
        _flatness([f"growth connections {n}" for n in CONNECTIONS]),
    ),
    Target("growth, two gateways: dearest / cheapest", 1.5, _flatness(["growth gateways 1", "growth gateways 2"])),
    Target("a tenth reads slowly: the others' p99, after / before", 2.0, _own("slow_readers", "p99_ratio")),
)
"""± 20 % around the middle is 1.5 between the ends."""
