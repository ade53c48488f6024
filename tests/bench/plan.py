"""What is measured, how often and in which order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

PARLEY, LIMIT = "parley", "limit"
PEERS = ("socket.io", "nats", "aiohttp")
RANDOM = {"rooms": 5000, "members": 2, "users": 1000}
HOT = {"rooms": 1, "members": 100, "users": 100}
ROOMS = ((10, 20), (100, 200), (1000, 1000), (10_000, 1000))
"""(rooms of two, connections): with ten thousand each connection is in twenty."""
CONNECTIONS = (100, 1000, 3000, 9000)


@dataclass(frozen=True)
class Job:
    """One run of one workload on one system. `label` names a variant of it, `seconds` is a guess at how long it takes.

    `options` are the workload's, `seats` make its seats, `start` is the system's. `niceness`: see `machine.favour`.
    """

    workload: str
    system: str
    label: str = ""
    seconds: float = 8.0
    options: Mapping[str, Any] = field(default_factory=dict)
    seats: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)
    niceness: int = 0

    @property
    def key(self) -> str:
        return f"{self.workload} {self.label}".strip()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> "Job":
        return cls(**words)


Counted = tuple[Job, int]
"""A job, and how many times it runs."""


def interleaved(jobs: Iterable[Counted]) -> list[Job]:
    """In rounds: what disturbs a minute of the run then touches every system, not one."""
    counted = list(jobs)
    most = max((times for _, times in counted), default=0)
    return [job for turn in range(most) for job, times in counted if turn < times]


def full() -> list[Counted]:
    """Less than ten minutes."""
    return [
        *((job, 3) for job in _both(Job("hot_room", PARLEY, seconds=6))),
        *((replace(job, system=peer), 2) for peer in PEERS for job in [Job("hot_room", PARLEY, seconds=8)]),
        *((job, 2) for job in _both(Job("one_to_one", PARLEY, seconds=18, options={"seconds": 3.0}))),
        *((_ladder(peer), 1) for peer in PEERS),
        *_idle(5000, times=1),
        (Job("storm", PARLEY, seconds=12, seats=_ten(3500)), 2),
        *((job, 2) for job in _writes()),
        (Job("latency", PARLEY, seconds=20), 2),
        (Job("receipts", PARLEY, seconds=16), 1),
        (Job("reads", PARLEY, seconds=14), 1),
        (Job("slow_readers", PARLEY, seconds=24), 1),
        *_growth(),
    ]


def quick() -> list[Counted]:
    """Less than two minutes: Parley and the limit, each once."""
    return [
        *((job, 1) for job in _both(Job("hot_room", PARLEY, seconds=5, options={"publishes": 200}))),
        *(
            (job, 1)
            for job in _both(
                Job("one_to_one", PARLEY, seconds=9, options={"rates": [1000, 8000, 32000], "seconds": 1.5})
            )
        ),
        (_idle_job(PARLEY, 1, 1500), 1),
        (_idle_job(PARLEY, 10, 1500), 1),
        *((replace(job, options={"seconds": 2.0}), 1) for job in _writes()[:2]),
        (Job("latency", PARLEY, seconds=12, options={"seconds": 2.0}), 1),
    ]


def _both(job: Job) -> list[Job]:
    return [job, replace(job, system=LIMIT)]


def _ladder(peer: str) -> Job:
    return Job("one_to_one", peer, seconds=18, options={"seconds": 3.0})


def _idle(connections: int, times: int) -> list[Counted]:
    own = [(_idle_job(PARLEY, rooms, connections), times) for rooms in (1, 10)]
    friends = Job("idle", PARLEY, "with friends", seconds=14, seats={**_ten(connections), "friends": True})
    peers = [_idle_job(system, 1, connections) for system in (LIMIT, *PEERS)]
    return [*own, *((job, 1) for job in (friends, *peers))]


def _idle_job(system: str, rooms: int, connections: int) -> Job:
    seats = {"connections": connections, "rooms_each": rooms}
    return Job("idle", system, f"in {rooms}", seconds=14, seats=seats)


def _ten(connections: int) -> dict[str, Any]:
    return {"connections": connections, "rooms_each": 10}


def _writes() -> list[Job]:
    return [
        Job(workload, PARLEY, label, seconds=12, seats=seats)
        for workload in ("sends", "store")
        for label, seats in (("random", RANDOM), ("hot", HOT))
    ]


def _growth() -> list[Counted]:
    by_rooms = [Job("growth", PARLEY, f"rooms {rooms}", seats=_seats(rooms, users)) for rooms, users in ROOMS]
    by_connections = [
        Job("growth", PARLEY, f"connections {count}", seats=_seats(count // 2, count)) for count in CONNECTIONS
    ]
    two = Job("growth", PARLEY, "gateways 2", seats=_seats(1000, 2000), start={"gateways": 2}, options={"rate": 8000})
    one = Job("growth", PARLEY, "gateways 1", seats=_seats(1000, 2000))
    return [(job, 1) for job in (*by_rooms, *by_connections, one, two)]


def _seats(rooms: int, connections: int) -> dict[str, int]:
    return {"rooms": rooms, "connections": connections}
