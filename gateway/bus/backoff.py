"""How long to wait before the next attempt to reach Redis."""

import random

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 2.0


class Backoff:
    """Doubles from 50 ms to 2 s, each with half of it at random, so that a fleet does not come back in one instant."""

    def __init__(self) -> None:
        self._attempts = 0

    def reset(self) -> None:
        self._attempts = 0

    def next_seconds(self) -> float:
        ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * (1 << min(self._attempts, 16)))
        self._attempts += 1
        return ceiling * random.uniform(0.5, 1.0)
