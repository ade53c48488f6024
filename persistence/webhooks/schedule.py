"""When an attempt that failed is made again: as Standard Webhooks proposes, three days in all. Pure."""

import random
from typing import Final

DELAYS: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds from a failed attempt to the next one."""
SPREAD: Final = 0.2
LONGEST_WISH: Final = 3600.0
"""Of an endpoint's own Retry-After."""


def delay(attempts: int, retry_after: float | None) -> float | None:
    """Seconds until the next attempt, after so many; None: there is none."""
    if attempts > len(DELAYS):
        return None
    planned = DELAYS[attempts - 1] * random.uniform(1 - SPREAD, 1 + SPREAD)
    return max(planned, min(retry_after or 0.0, LONGEST_WISH))
