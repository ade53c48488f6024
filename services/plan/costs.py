"""What one unit of work costs on the machine that docs/performance.md describes, as `make bench` measured it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Of each part, for one unit of work in µs of CPU. Where it is 0 the part has nothing to do with it."""

    gateway: float = 0.0
    persistence: float = 0.0
    postgres: float = 0.0
    redis: float = 0.0


@dataclass(frozen=True)
class Costs:
    """`deliver` is one message to one socket, `accept` an upgrade into ten conversations, `idle` one connection for one
    second. The bytes are resident memory."""

    send: Cost
    deliver: Cost
    receipt: Cost
    accept: Cost
    idle: Cost
    read: Cost
    connection_bytes: int
    room_bytes: int
    kernel_bytes: int
    redis_channel_bytes: int
    redis_user_bytes: int
    message_bytes: int


MEASURED = Costs(
    send=Cost(persistence=500, postgres=370, redis=90),
    deliver=Cost(gateway=15),
    receipt=Cost(gateway=40, persistence=40, postgres=40, redis=10),
    accept=Cost(gateway=750, persistence=200, postgres=100, redis=90),
    idle=Cost(gateway=1.5),
    read=Cost(persistence=1500, postgres=800),
    connection_bytes=3_000,
    room_bytes=430,
    kernel_bytes=8_192,
    redis_channel_bytes=250,
    redis_user_bytes=400,
    message_bytes=450,
)
"""Of these `read` (a sync, a list or a page of history), the bytes of the kernel and of Redis, and those of a message
with its indexes are estimates; all others come from the benchmark."""
