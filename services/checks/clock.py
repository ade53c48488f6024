"""How far the clock of a server is from ours. Delivery times and leases compare the two."""

from services.checks.finding import Finding, error, ok, warning

NOTABLE_SECONDS = 0.5
HARMFUL_SECONDS = 5.0


def skew(server: str, before: float, there: float, after: float) -> Finding:
    """`there` was read between `before` and `after` of our clock: within that nobody can tell."""
    off = max(before - there, there - after, 0.0)
    text = f"is {off:.1f} s off that of this machine"
    if off > HARMFUL_SECONDS:
        return error(f"{server}'s clock", text)
    return warning(f"{server}'s clock", text) if off > NOTABLE_SECONDS else ok(f"{server}'s clock", "agrees with ours")
