"""A seeded schedule of faults: the same seed makes the same one, whatever happens while it runs. Pure."""

import random
from dataclasses import dataclass

from shared import checkpoints

GATEWAYS = ("gateway-1", "gateway-2")
STORES = ("persistence-1", "persistence-2")
PUSHERS = ("pusher-1", "pusher-2")
PROCESSES = GATEWAYS + STORES + PUSHERS
LINKS = (
    *(f"{process}>redis" for process in PROCESSES),
    *(f"{process}>postgres" for process in STORES),
    *(f"{process}>persistence" for process in GATEWAYS + PUSHERS),
    *(f"{process}>expo" for process in PUSHERS),
    *(f"clients>{process}" for process in GATEWAYS + STORES),
)
CHECKPOINTS = {
    checkpoints.COMMITTED: STORES,
    checkpoints.PUBLISHED: STORES,
    checkpoints.RECEIPTS_APPLIED: STORES,
    checkpoints.EXPO_ANSWERED: PUSHERS,
    checkpoints.PUSH_SETTLED: PUSHERS,
}
"""Where a process is killed exactly between two steps, and which processes come by there."""
SERVERS = ("redis", "postgres")


@dataclass(frozen=True)
class Fault:
    """`kind` happens to `target` at `at` seconds, and is healed after `lasts` seconds."""

    at: float
    kind: str
    target: str
    lasts: float

    def __str__(self) -> str:
        return f"{self.at:5.1f} s  {self.kind} {self.target} for {self.lasts:.1f} s"


KINDS: dict[str, tuple[tuple[str, ...], tuple[float, float]]] = {
    "kill": (PROCESSES, (0.1, 1.5)),
    "freeze": (PROCESSES, (0.5, 3.0)),
    "drain": (GATEWAYS, (0.1, 0.5)),
    "stall": (LINKS, (0.5, 3.0)),
    "cut": (LINKS, (0.1, 1.0)),
    "delay": (LINKS, (1.0, 3.0)),
    "restart": (SERVERS, (0.1, 1.0)),
    "kill server": (SERVERS, (0.1, 1.0)),
    "empty": (("redis",), (0.1, 1.0)),
    "freeze server": (SERVERS, (0.5, 2.0)),
    "read-only": (SERVERS, (0.5, 2.0)),
    "full": (("redis",), (0.5, 2.0)),
    "no scripts": (("redis",), (0.5, 2.0)),
    "outlived by its lease": (GATEWAYS, (0.5, 1.5)),
    "kill at": (tuple(f"{name}: {process}" for name, comers in CHECKPOINTS.items() for process in comers), (0.1, 1.0)),
}
"""What can happen, to whom, and how long it lasts."""


def schedule(seed: int, *, faults: int = 16, seconds: float = 32.0) -> list[Fault]:
    """So many faults over so many seconds. Every kind has its turn before one comes again.

    One at a time: the guarantees are for whatever single process dies, so each is healed before the next begins.
    """
    dice = random.Random(seed)
    kinds: list[str] = []
    while len(kinds) < faults:
        kinds += dice.sample(list(KINDS), len(KINDS))
    slot = seconds / faults
    planned = []
    for number, kind in enumerate(kinds[:faults]):
        targets, (shortest, longest) = KINDS[kind]
        lasts = min(dice.uniform(shortest, longest), slot * 0.8)
        planned.append(Fault(round(number * slot, 2), kind, dice.choice(targets), round(lasts, 2)))
    return planned
