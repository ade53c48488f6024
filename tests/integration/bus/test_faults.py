"""Every way in which a link dies, and what the bus promises then."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from services.embedded import EmbeddedRedis
from shared.redis import open_redis
from tests.integration.bus.listening import PROBE_SECONDS, Listening, listening, through
from tests.support.fault_proxy import FaultProxy
from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually

ROOMS = [f"room:{number}" for number in range(1500)]
ENCODED_ROOMS = sorted(room.encode() for room in ROOMS)


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    parts = urlsplit(redis_url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with FaultProxy(parts.hostname, parts.port) as proxy:
        yield proxy


async def restored(here: Listening, times: int) -> None:
    await eventually(lambda: len(here.restored) == times)


async def every_room_hears(here: Listening, word: str) -> None:
    pipeline = here.publisher.pipeline(transaction=False)
    for room in ROOMS:
        pipeline.execute_command("SPUBLISH", room, word)
    await pipeline.execute()
    await eventually(lambda: {(room, word.encode()) for room in ENCODED_ROOMS} <= set(here.messages))


async def test_a_killed_connection_comes_back_with_every_channel(redis_url: str) -> None:
    async with listening(redis_url, name="victim") as here:
        await here.bus.subscribe(ROOMS)
        generation = here.bus.generation
        await kill_link(here, "victim")

        await restored(here, 1)
        assert here.restored == [ENCODED_ROOMS]
        assert here.lost == 1
        assert here.bus.generation == generation + 1
        await every_room_hears(here, "after")


async def test_restored_comes_only_when_the_last_channel_is_confirmed(redis_url: str, proxy: FaultProxy) -> None:
    async with listening(through(redis_url, proxy.port), publish_url=redis_url, probe_seconds=5) as here:
        await here.bus.subscribe(ROOMS)
        proxy.delay(0.02)
        proxy.cut()
        await restored(here, 1)

        for room in ROOMS:
            assert (await here.publisher.spublish(room, "after")) == 1


async def test_channels_given_up_while_the_link_was_away_are_not_restored(redis_url: str, proxy: FaultProxy) -> None:
    async with listening(through(redis_url, proxy.port), publish_url=redis_url) as here:
        await here.bus.subscribe(["kept", "given up"])
        proxy.refuse()
        proxy.cut()
        await eventually(lambda: here.lost == 1)
        here.bus.unsubscribe(["given up"])
        proxy.heal()

        await restored(here, 1)
        assert here.restored == [[b"kept"]]


async def test_a_bus_without_channels_is_restored_too(redis_url: str) -> None:
    async with listening(redis_url, name="victim") as here:
        await eventually(lambda: here.bus.proven)
        await kill_link(here, "victim")
        await restored(here, 1)
        assert here.restored == [[]]


async def test_who_subscribes_while_redis_is_away_waits_for_the_new_link(redis_url: str, proxy: FaultProxy) -> None:
    async with listening(through(redis_url, proxy.port), publish_url=redis_url) as here:
        await here.bus.subscribe(["old"])
        proxy.refuse()
        proxy.cut()
        await eventually(lambda: here.lost == 1)
        old, new = (asyncio.create_task(here.bus.subscribe([room])) for room in ("old", "new"))
        await asyncio.wait([old, new], timeout=0.1)
        assert not old.done()
        assert not new.done()
        proxy.heal()

        await asyncio.gather(old, new)
        await here.publish("old", "1")
        await here.publish("new", "2")
        await eventually(lambda: here.messages == [(b"old", b"1"), (b"new", b"2")])


async def test_a_subscription_under_way_when_the_link_breaks_is_made_on_the_next(
    redis_url: str, proxy: FaultProxy
) -> None:
    async with listening(through(redis_url, proxy.port), publish_url=redis_url) as here:
        await eventually(lambda: here.bus.proven)
        proxy.stall("down")
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await eventually(lambda: subscribers(here, "room", 1))
        proxy.heal()
        proxy.cut()

        await waiting
        assert await subscribers(here, "room", 1)
        await here.publish("room", "hello")
        await eventually(here.hears("room", "hello"))


@pytest.mark.parametrize("with_its_data", [True, False])
async def test_a_restarted_redis_is_subscribed_again(own_redis: EmbeddedRedis, with_its_data: bool) -> None:
    async with listening(own_redis.url) as here:
        await here.bus.subscribe(ROOMS)
        kill(own_redis)
        await eventually(lambda: here.lost == 1)
        assert not here.bus.proven
        if not with_its_data:
            await own_redis.stop()
            for file in sorted((own_redis.directory / "data").rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
        await restart(own_redis)

        await restored(here, 1)
        await eventually(lambda: here.bus.proven)
        await every_room_hears(here, "after")


async def test_a_redis_that_starts_after_the_gateway_is_found(own_redis: EmbeddedRedis) -> None:
    url = own_redis.url
    await own_redis.stop()
    async with listening(url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.sleep(0.1)
        assert not here.bus.proven
        await own_redis.start()
        await waiting
        assert (here.lost, here.restored) == (0, [])


@pytest.mark.parametrize("direction", ["up", "down", None])
async def test_a_silent_link_is_replaced_after_two_probes(redis_url: str, direction: str | None) -> None:
    parts = urlsplit(redis_url)
    async with (
        FaultProxy(parts.hostname or "", parts.port or 0) as proxy,
        listening(through(redis_url, proxy.port), publish_url=redis_url) as here,
    ):
        await here.bus.subscribe(["room"])
        await eventually(lambda: here.bus.proven)
        silent_at = time.monotonic()
        proxy.stall("down" if direction == "down" else None)
        await eventually(lambda: not here.bus.proven)
        assert time.monotonic() - silent_at < 2.5 * PROBE_SECONDS
        await eventually(lambda: here.lost == 1)
        assert time.monotonic() - silent_at < 3.5 * PROBE_SECONDS + 0.2
        proxy.heal()

        await eventually(lambda: here.bus.proven)
        assert here.restored == [[b"room"]]


async def test_what_a_replaced_link_still_held_is_not_delivered(redis_url: str, proxy: FaultProxy) -> None:
    async with listening(through(redis_url, proxy.port), publish_url=redis_url) as here:
        await here.bus.subscribe(["room"])
        proxy.stall("down")
        await here.publish("room", "held back")
        await eventually(lambda: here.lost == 1)
        proxy.heal()
        await restored(here, 1)
        await here.publish("room", "after")
        await eventually(here.hears("room", "after"))
        assert here.messages == [(b"room", b"after")]


async def test_a_frozen_redis_is_not_proven_and_recovers_with_its_link(own_redis: EmbeddedRedis) -> None:
    async with listening(own_redis.url) as here:
        await here.bus.subscribe(["room"])
        await eventually(lambda: here.bus.proven)
        with paused(own_redis):
            frozen_at = time.monotonic()
            await eventually(lambda: not here.bus.proven)
            assert time.monotonic() - frozen_at < 2.5 * PROBE_SECONDS
            await asyncio.sleep(4 * PROBE_SECONDS)

        await eventually(lambda: here.bus.proven)
        await here.publish("room", "hello")
        await eventually(here.hears("room", "hello"))
        assert here.lost == 0


async def test_a_probe_that_cannot_be_published_proves_nothing_and_spares_the_link(
    redis_url: str, proxy: FaultProxy
) -> None:
    async with listening(redis_url, publish_url=through(redis_url, proxy.port)) as here:
        await here.bus.subscribe(["room"])
        await eventually(lambda: here.bus.proven)
        proxy.refuse()
        proxy.cut()
        await eventually(lambda: not here.bus.proven)
        await asyncio.sleep(3 * PROBE_SECONDS)
        assert here.lost == 0
        proxy.heal()
        await eventually(lambda: here.bus.proven)


async def test_a_reader_that_is_cut_off_for_its_backlog_is_a_loss_like_any_other(own_redis: EmbeddedRedis) -> None:
    admin = open_redis(own_redis.url)
    await admin.config_set("client-output-buffer-limit", "pubsub 262144 131072 1")
    async with (
        FaultProxy("127.0.0.1", own_redis.port) as proxy,
        listening(through(own_redis.url, proxy.port), publish_url=own_redis.url, probe_seconds=30) as here,
    ):
        await here.bus.subscribe(["room"])
        proxy.stall("down")
        while here.lost == 0 and not await subscribers(here, "room", 0):
            await admin.spublish("room", bytes(1_000_000))
        proxy.heal()

        await restored(here, 1)
        await here.publish("room", "after")
        await eventually(here.hears("room", "after"))
    await admin.aclose()


async def test_a_wrong_password_is_tried_again_until_it_is_right(own_redis: EmbeddedRedis) -> None:
    admin = open_redis(own_redis.url)
    parts = urlsplit(own_redis.url)
    wrong = parts._replace(netloc=f"gateway:hun%21ter@127.0.0.1:{own_redis.port}").geturl()
    async with listening(wrong, publish_url=own_redis.url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
        await admin.execute_command("ACL", "SETUSER", "gateway", "on", ">hun!ter", "~*", "&*", "+@all")
        await waiting
    await admin.aclose()


async def test_a_channel_that_redis_refuses_is_tried_on_one_link_after_the_other(own_redis: EmbeddedRedis) -> None:
    admin = open_redis(own_redis.url)
    await admin.execute_command("ACL", "SETUSER", "gateway", "on", ">secret", "~*", "&probe:*", "+@all")
    url = f"redis://gateway:secret@127.0.0.1:{own_redis.port}"
    async with listening(url, publish_url=own_redis.url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await eventually(lambda: here.lost > 2)
        assert not waiting.done()
        await admin.execute_command("ACL", "SETUSER", "gateway", "&*")
        await waiting
    await admin.aclose()


async def test_a_callback_that_fails_costs_the_link_and_nothing_else(redis_url: str) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the loop is told, as it should be
    async with listening(redis_url) as here:
        remember = here.messages.append

        def stumble(message: tuple[bytes, bytes]) -> None:
            if message[1] == b"poison":
                raise RuntimeError("poison")
            remember(message)

        here.remember = stumble
        await here.bus.subscribe(["room"])
        await here.publish("room", "poison")
        await restored(here, 1)
        await here.publish("room", "after")
        await eventually(here.hears("room", "after"))


async def test_through_any_sequence_of_faults_the_bus_ends_where_it_should(redis_url: str, proxy: FaultProxy) -> None:
    """Subscribers come and go while the link is cut, stalled and refused; then everyone who stayed hears."""
    chance = random.Random(11)
    stayed: set[str] = set()
    async with listening(through(redis_url, proxy.port), publish_url=redis_url, probe_seconds=0.1) as here:

        async def come_and_go(number: int) -> None:
            for turn in range(30):
                room = f"room:{number}:{turn}"
                await here.bus.subscribe([room])
                if chance.random() < 0.5:
                    here.bus.unsubscribe([room])
                else:
                    stayed.add(room)
                await asyncio.sleep(chance.random() * 0.05)

        async def break_things() -> None:
            for _ in range(15):
                await asyncio.sleep(chance.random() * 0.1)
                chance.choice([proxy.cut, proxy.cut, proxy.stall, proxy.refuse])()
                await asyncio.sleep(chance.random() * 0.2)
                proxy.heal()

        await asyncio.gather(break_things(), *(come_and_go(number) for number in range(10)))
        await eventually(lambda: here.bus.proven)
        await asyncio.gather(*(here.bus.subscribe([room]) for room in stayed))
        for room in stayed:
            await here.publish(room, "hello")
        await eventually(lambda: {room.encode() for room in stayed} == {channel for channel, _ in here.messages})
        await eventually(lambda: len(here.restored) >= 1)


async def kill_link(here: Listening, name: str) -> None:
    clients = await here.publisher.client_list()
    [link] = [client for client in clients if client["name"] == name]
    await here.publisher.client_kill_filter(_id=link["id"])


async def subscribers(here: Listening, channel: str, count: int) -> bool:
    return bool(await here.publisher.pubsub_shardnumsub(channel) == [(channel.encode(), count)])
