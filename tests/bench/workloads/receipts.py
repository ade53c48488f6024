"""What one `delivered` costs: the same messages, first taken in silence, then acknowledged by everyone who got them."""

import re
import time
from collections.abc import Iterator

from gateway.websocket.frames import Opcode
from tests.bench.load.http import HttpLoad
from tests.bench.load.sockets import Client, Sockets
from tests.bench.machine import Meter, Usage
from tests.bench.seats import Seats
from tests.bench.systems.parley import Parley
from tests.bench.systems.system import client_frame
from tests.bench.workloads.latency import CONCURRENCY
from tests.bench.workloads.outcomes import Numbers
from tests.bench.workloads.sends import Senders

SEATS = Seats.filled(rooms=500, members=2)
SYSTEM = {"writes": True}
RATE = 200
_EVENT = re.compile(rb'"message\.new","timestamp":"[^"]+","conversationId":"([^"]+)","messageId":"[^"]+","seq":(\d+)')


async def run(system: Parley, seconds: float = 5.0) -> Numbers:
    sockets, load, senders = Sockets(system), HttpLoad(system.persistence.port), Senders(system)
    await sockets.connect(system.seats.connections)
    await load.connect(CONCURRENCY)
    await load.closed_loop(senders.greetings())
    silent = await _work(system, load, senders, seconds)
    acknowledged = 0

    def acknowledge(client: Client, data: bytes) -> None:
        nonlocal acknowledged
        for conversation, seq in _EVENT.findall(data):
            words = b'{"type":"delivered","conversationId":"%s","seq":%s}' % (conversation, seq)
            client.transport.write(client_frame(Opcode.TEXT, words))
            acknowledged += 1

    sockets.on_data = acknowledge
    loud = await _work(system, load, senders, seconds)
    load.close()
    await sockets.close()
    return {**_costs(silent, loud, acknowledged), "receipts": acknowledged, "noise": loud.noise}


def _costs(silent: Usage, loud: Usage, receipts: int) -> Numbers:
    names = ("server", "persistence", "postgres", "redis")
    return {f"{name}_us": (loud.cpu[name] - silent.cpu[name]) / max(1, receipts) * 1e6 for name in names}


async def _work(system: Parley, load: HttpLoad, senders: Senders, seconds: float) -> Usage:
    def requests() -> Iterator[bytes]:
        while True:
            yield senders.request()

    await load.open_loop(requests(), RATE, 1.0)
    meter = Meter(system.groups)
    begun = time.monotonic()
    await load.open_loop(requests(), RATE, seconds - (time.monotonic() - begun))
    return meter.read()
