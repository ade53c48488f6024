"""`python -m services …` of the laboratory: a process that kills itself exactly between two steps.

DOOMED_AT names the place (shared/checkpoints.py). No service reads that variable.
"""

import os
import signal
import sys

import structlog

from services import cli, openings
from shared.checkpoints import Checkpoints

log = structlog.get_logger()

VARIABLE = "DOOMED_AT"


class KillingCheckpoints:
    """The process is gone, as by SIGKILL, the moment it reaches the place of this name."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def reach(self, name: str) -> None:
        if name == self._name:
            log.warning("checkpoint reached: killed", checkpoint=name)
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """The variable goes before the settings are read: a service that finds it refuses to start."""
    place = os.environ.pop(VARIABLE)

    def armed() -> Checkpoints:
        return KillingCheckpoints(place)

    openings.checkpoints = armed
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
