"""Token buckets in this process' memory. Pure: time is an argument, in seconds of a clock that only goes forward."""

from collections import OrderedDict

from shared.limits.price import at_once
from shared.setting_forms import Bucket

MOST_KEYS = 10_000


class LocalBucket:
    """One bucket, full at first. A connection makes its own with its first frame: most never send many."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, bucket: Bucket, now: float) -> None:
        self._tokens = bucket.burst
        self._at = now

    def wait(self, bucket: Bucket, now: float, cost: float = 1.0) -> float:
        """The seconds until `take` will give as much; 0 where there is enough."""
        self._tokens = min(bucket.burst, self._tokens + (now - self._at) * bucket.rate)
        self._at = now
        return max(0.0, (at_once(cost, bucket) - self._tokens) / bucket.rate)

    def take(self, bucket: Bucket, now: float, cost: float = 1.0) -> float:
        """Takes so many tokens: 0 if there were enough, else the seconds until there will be."""
        wait = self.wait(bucket, now, cost)
        if not wait:
            self._tokens -= cost
        return wait


class LocalBuckets:
    """One bucket for each of the `MOST_KEYS` keys used last; a forgotten key begins with a full one.

    Keys are short: who takes one from a stranger bounds its length.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, LocalBucket] = OrderedDict()

    def wait(self, key: str, bucket: Bucket, now: float, cost: float = 1.0) -> float:
        """As `LocalBucket.wait`."""
        return self._of(key, bucket, now).wait(bucket, now, cost)

    def take(self, key: str, bucket: Bucket, now: float, cost: float = 1.0) -> float:
        """As `LocalBucket.take`."""
        return self._of(key, bucket, now).take(bucket, now, cost)

    def _of(self, key: str, bucket: Bucket, now: float) -> LocalBucket:
        own = self._buckets.get(key)
        if own is None:
            own = self._buckets[key] = LocalBucket(bucket, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return own

    def __len__(self) -> int:
        return len(self._buckets)
