"""redis-py, opened the one way that Parley uses it: for everything but a gateway's subscriptions.

redis-py 8 by default retries ten times and sends an abandoned blocking read again (an entry is then taken twice, an
outage lasts a minute). So here: RESP2, no retry, short deadlines; who calls decides what a failure means.
"""

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

RedisClient = Redis | RedisCluster
REDIS_FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError, RuntimeError)
"""What a call may raise while Redis is away. The caller falls back, or tries again later.

RedisClusterException, of a cluster whose nodes are away, is no RedisError. RuntimeError is how uvloop refuses a write
on a pooled connection that Redis has closed; redis-py lets it through.
"""

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.0


def is_cluster(url: str) -> bool:
    return url.split("://", 1)[0].endswith("+cluster")


def open_redis(url: str, *, answer_seconds: float | None = ANSWER_SECONDS, max_connections: int = 64) -> RedisClient:
    """A client over a pool; nothing is connected yet. Close it with `aclose()`.

    `answer_seconds` bounds the wait for one answer; who blocks on a stream passes None, or more than its block.
    """
    if is_cluster(url):
        return RedisCluster.from_url(
            url.replace("+cluster", "", 1),
            protocol=2,
            socket_timeout=answer_seconds,
            socket_connect_timeout=CONNECT_SECONDS,
            max_connections=max_connections,
            require_full_coverage=False,  # one shard that is away must not silence the others
        )
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=answer_seconds,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=max_connections,
    )
