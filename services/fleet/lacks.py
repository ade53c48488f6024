"""What a fleet lacks as a whole: a service of which no process serves."""

from collections.abc import Sequence
from typing import NamedTuple

from services.fleet.process import Process

NEEDED = ("gateway", "persistence")
"""Without them nobody is served; without a pusher only pushes wait."""
SERVICES = (*NEEDED, "pusher")


class Lack(NamedTuple):
    text: str
    is_outage: bool


def lacks(processes: Sequence[Process]) -> list[Lack]:
    """In the order of SERVICES; empty where each of them serves."""
    return [
        Lack(_text(service, processes), service in NEEDED) for service in SERVICES if not _serves(service, processes)
    ]


def _serves(service: str, processes: Sequence[Process]) -> bool:
    return any(one.service == service and one.state == "serving" for one in processes)


def _text(service: str, processes: Sequence[Process]) -> str:
    running = sum(one.service == service for one in processes)
    name = f"{service} process" if service == "persistence" else service
    return f"NO {name} SERVES, of {running} that run".upper() if running else f"NO {name} RUNS".upper()
