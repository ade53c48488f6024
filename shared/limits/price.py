"""What a question to a limit costs, and how much of the cost has to be there."""

from typing import NamedTuple

from shared.setting_forms import Bucket

SHARE_AT_ONCE = 3
"""A request that costs more than this part of the burst, a third, passes with a third, and owes the rest: so none is
too dear ever to pass, and the next one waits until the debt is paid."""


class Check(NamedTuple):
    """A key, as shared/keys.py names it, the bucket that stands under it, and how many tokens are wanted."""

    key: str
    bucket: Bucket
    cost: float = 1.0


def at_once(cost: float, bucket: Bucket) -> float:
    """The tokens that have to be there; a single one is enough for what costs no more."""
    return min(cost, max(1.0, bucket.burst / SHARE_AT_ONCE))
