"""How often somebody may do something: token buckets, one for the fleet in Redis or one of a connection's own."""

from shared.limits.limiter import RateLimiter
from shared.limits.local import LocalBucket
from shared.limits.verdict import ALLOWED, Allowed, Limited

__all__ = ["ALLOWED", "Allowed", "Limited", "LocalBucket", "RateLimiter"]
