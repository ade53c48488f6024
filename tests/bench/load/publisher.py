"""An open-loop publisher as a process of its own: python -m tests.bench.load.publisher, its order pickled on stdin.

It publishes at a fixed rate in ticks of a millisecond, whatever the server does. The mark bears the tick's intended
time, so a publisher that falls behind shows as latency.
"""

import contextlib
import json
import pickle
import socket
import sys
import time
from dataclasses import dataclass

from tests.bench.load.publishing import Publishing

_TICK_NS = 1_000_000


@dataclass(frozen=True)
class Order:
    publishing: Publishing
    first: int
    rate: float
    publishes: int


def publish(order: Order, connection: socket.socket) -> None:
    sent = tick = 0
    begun = time.monotonic_ns() + 50 * _TICK_NS
    while sent < order.publishes:
        tick += 1
        wanted = min(order.publishes, int(tick * order.rate / 1000))
        if wanted == sent:
            continue
        due = begun + tick * _TICK_NS
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        commands = [order.publishing.command(order.first + number, due) for number in range(sent, wanted)]
        connection.sendall(b"".join(commands))
        sent = wanted
        with contextlib.suppress(BlockingIOError):
            connection.recv(1 << 16, socket.MSG_DONTWAIT)


def main() -> None:
    order: Order = pickle.load(sys.stdin.buffer)
    with socket.create_connection(("127.0.0.1", order.publishing.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(order.publishing.hello)
        time.sleep(0.05)
        publish(order, connection)
        print(json.dumps({"cpu_seconds": time.process_time()}), flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
