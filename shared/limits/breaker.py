"""Remembers that a dependency is away, so that not every request finds it out by waiting."""

PROBE_SECONDS = 1.0


class Breaker:
    """Open while the dependency is away; then it is probed once a `PROBE_SECONDS`, and nobody else asks it. Pure."""

    def __init__(self) -> None:
        self.is_open = False
        self._probe_at = 0.0

    def open(self, now: float) -> None:
        self.is_open = True
        self._probe_at = now + PROBE_SECONDS

    def close(self) -> None:
        self.is_open = False

    def should_probe(self, now: float) -> bool:
        """Whether a probe is due; whoever is told so makes it, and reports by `open` or `close`."""
        if not self.is_open or now < self._probe_at:
            return False
        self._probe_at = now + PROBE_SECONDS
        return True
