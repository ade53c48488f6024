"""Token buckets in this process' memory. Pure: time is an argument, in seconds of a clock that only goes forward."""

from collections import OrderedDict

from shared.setting_forms import Bucket

MOST_KEYS = 10_000


class LocalBucket:
    """One bucket, full at first. A connection makes its own with its first frame: most never send many."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, bucket: Bucket, now: float) -> None:
        self._tokens = bucket.burst
        self._at = now

    def take(self, bucket: Bucket, now: float) -> float:
        """Takes one token: 0 if there was one, else the seconds until there will be."""
        self._tokens = min(bucket.burst, self._tokens + (now - self._at) * bucket.rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / bucket.rate
        self._tokens -= 1
        return 0.0


class LocalBuckets:
    """One bucket for each of the `MOST_KEYS` keys used last; a forgotten key begins with a full one."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, LocalBucket] = OrderedDict()

    def take(self, key: str, bucket: Bucket, now: float) -> float:
        """Takes one token of this key: 0 if there was one, else the seconds until there will be."""
        own = self._buckets.get(key)
        if own is None:
            own = self._buckets[key] = LocalBucket(bucket, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return own.take(bucket, now)

    def __len__(self) -> int:
        return len(self._buckets)
