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
    send=Cost(persistence=320, postgres=250, redis=87),
    deliver=Cost(gateway=12, redis=2.5),
    receipt=Cost(gateway=63, persistence=89, postgres=30, redis=13),
    accept=Cost(gateway=370, persistence=63, postgres=51, redis=48),
    idle=Cost(gateway=1.4),
    read=Cost(persistence=460, postgres=310),
    connection_bytes=2_500,
    room_bytes=270,
    kernel_bytes=8_192,
    redis_channel_bytes=250,
    redis_user_bytes=400,
    message_bytes=450,
)
"""By `make bench`, medians of the run that docs/performance.md shows: a send at half of the highest rate (it costs a
sixth less at the highest, where more of them share each round trip), a delivery at 8,000 events a second in rooms of
two, an accept in the storm, a receipt and a read in the tables that bear their names. The bytes of a connection and a
room are those of idle ones. Estimates are the bytes of the kernel and of Redis, and those of a message with its
indexes."""
