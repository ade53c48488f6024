"""How often somebody may do something: token buckets, one for the fleet in Redis or one of a connection's own."""

from shared.limits.limiter import RateLimiter
from shared.limits.local import LocalBucket, LocalBuckets
from shared.limits.price import Check
from shared.limits.verdict import ALLOWED, Allowed, Limited

__all__ = ["ALLOWED", "Allowed", "Check", "Limited", "LocalBucket", "LocalBuckets", "RateLimiter"]
