"""Checkpoints for the fault laboratory: a process that kills itself exactly between two steps.

Armed by the variable FAIL_AT alone, which no deployment sets.
"""

import os
import signal

import structlog

log = structlog.get_logger()


class KillingCheckpoints:
    """The process is gone, as by SIGKILL, the moment it reaches the place of this name."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def reach(self, name: str) -> None:
        if name == self._name:
            log.warning("checkpoint reached: killed", checkpoint=name)
            os.kill(os.getpid(), signal.SIGKILL)
