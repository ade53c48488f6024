import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.websocket.frames import Opcode
from gateway.websocket.heartbeat import Heartbeat
from tests.integration.websocket.site import RawClient, Site
from tests.support.waiting import eventually
from tests.unit.websocket.client_frames import client_frame

SECONDS = 0.2


@pytest.fixture
async def heartbeat() -> AsyncIterator[Heartbeat]:
    heartbeat = Heartbeat(SECONDS)
    heartbeat.start()
    yield heartbeat
    heartbeat.stop()


async def answered_pings(client: RawClient, count: int) -> None:
    for _ in range(count):
        assert await client.read_frame() == (Opcode.PING, b"")
        client.write(client_frame(Opcode.PONG))


async def test_who_answers_is_pinged_again_and_again_and_stays(site: Site, heartbeat: Heartbeat) -> None:
    client = await RawClient.upgraded(site)
    heartbeat.add(site.connection)
    await answered_pings(client, 3)
    assert site.connection.is_open
    assert site.listener.alive >= 2


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY, Opcode.PING])
async def test_any_frame_is_as_good_as_a_pong(site: Site, heartbeat: Heartbeat, opcode: Opcode) -> None:
    client = await RawClient.upgraded(site)
    heartbeat.add(site.connection)
    pings = 0
    while pings < 3:
        read, _ = await client.read_frame()
        assert read != Opcode.CLOSE
        if read == Opcode.PING:
            pings += 1
            client.write(client_frame(opcode))


async def test_who_falls_silent_is_closed_with_4408(any_site: Site, heartbeat: Heartbeat) -> None:
    client = await RawClient.upgraded(any_site)
    heartbeat.add(any_site.connection)
    await answered_pings(client, 2)
    assert await client.read_frame() == (Opcode.PING, b"")
    assert await client.read_close() == (4408, "no pong")
    await eventually(lambda: any_site.listener.closed == [4408])


async def test_the_silent_are_told_from_those_who_answer(site: Site, heartbeat: Heartbeat) -> None:
    clients = [await RawClient.upgraded(site) for _ in range(12)]
    for connection in site.listener.connections:
        heartbeat.add(connection)
    talkers = [asyncio.create_task(answered_pings(client, 3)) for client in clients[::2]]
    await asyncio.gather(*talkers)
    assert all(connection.is_open for connection in site.listener.connections[::2])
    await eventually(lambda: site.listener.closed == [4408] * 6)


async def test_who_is_no_longer_watched_is_left_alone(site: Site, heartbeat: Heartbeat) -> None:
    client, witness = await RawClient.upgraded(site), await RawClient.upgraded(site)
    unwatched, watched = site.listener.connections
    heartbeat.add(unwatched)
    heartbeat.add(watched)
    heartbeat.discard(unwatched)
    heartbeat.discard(unwatched)
    await answered_pings(witness, 3)
    assert await client.echoes(b"no ping before this")


async def test_a_process_that_slept_does_not_blame_its_clients(site: Site, heartbeat: Heartbeat) -> None:
    """As in a machine that was suspended: the deadline is long over when the loop runs again, the pongs still come."""
    clients = [await RawClient.upgraded(site) for _ in range(4)]
    for connection in site.listener.connections:
        heartbeat.add(connection)
    for client in clients:
        assert await client.read_frame() == (Opcode.PING, b"")
    time.sleep(3 * SECONDS)
    await asyncio.sleep(SECONDS / 8)
    for client in clients:
        client.write(client_frame(Opcode.PONG))
    await asyncio.gather(*(answered_pings(client, 3) for client in clients))
    assert all(connection.is_open for connection in site.listener.connections)


async def test_nothing_is_pinged_after_a_stop(site: Site) -> None:
    heartbeat = Heartbeat(SECONDS)
    heartbeat.start()
    client = await RawClient.upgraded(site)
    heartbeat.add(site.connection)
    await answered_pings(client, 1)
    heartbeat.stop()
    heartbeat.stop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * SECONDS):
            await client.read_frame()
