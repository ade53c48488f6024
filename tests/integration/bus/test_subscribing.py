"""Subscribing, on a healthy Redis."""

import asyncio
import random

import pytest

from gateway.bus import NotSubscribed
from shared.redis import RedisClient
from tests.integration.bus.listening import listening
from tests.support.waiting import eventually


async def test_what_is_published_after_subscribe_returned_arrives(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["room:1", b"room:2"])
        await here.publish("room:1", "one")
        await here.publish("room:2", "two")
        await here.publish("room:3", "three")

        await eventually(lambda: len(here.messages) >= 2)
        assert here.messages == [(b"room:1", b"one"), (b"room:2", b"two")]
        assert (here.lost, here.restored) == (0, [])


async def test_ten_thousand_messages_arrive_in_order(redis_url: str) -> None:
    async with listening(redis_url, probe_seconds=5) as here:
        await here.bus.subscribe(["room"])
        payloads = [b"%d" % number + bytes(400) for number in range(10_000)]
        pipeline = here.publisher.pipeline(transaction=False)
        for payload in payloads:
            pipeline.execute_command("SPUBLISH", "room", payload)
        await pipeline.execute()

        await eventually(lambda: len(here.messages) == 10_000)
        assert [payload for _, payload in here.messages] == payloads


async def test_a_message_of_a_megabyte_arrives_whole(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["room"])
        payload = random.Random(1).randbytes(1_000_000)
        await here.publisher.spublish("room", payload)

        await eventually(lambda: here.messages == [(b"room", payload)])


async def test_a_thousand_channels_are_confirmed_by_one_call(redis_url: str) -> None:
    channels = [f"room:{number}" for number in range(1000)]
    async with listening(redis_url) as here:
        await here.bus.subscribe(channels)

        assert await here.publisher.pubsub_shardnumsub(*channels) == [(channel.encode(), 1) for channel in channels]


async def test_everyone_who_waits_for_a_channel_is_told_and_redis_is_asked_once(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["first"])
        before = await _calls(here.publisher, "ssubscribe")
        await asyncio.gather(*(here.bus.subscribe(["room"]) for _ in range(50)))
        assert await _calls(here.publisher, "ssubscribe") == before + 1

        await here.bus.subscribe(["room"])
        assert await _calls(here.publisher, "ssubscribe") == before + 1


async def test_channels_of_one_tick_leave_in_one_command(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["first"])
        before = await _calls(here.publisher, "ssubscribe")
        await asyncio.gather(*(here.bus.subscribe([f"room:{number}"]) for number in range(500)))

        assert await _calls(here.publisher, "ssubscribe") == before + 1


async def test_a_cancelled_subscriber_does_not_disturb_the_others(redis_url: str) -> None:
    async with listening(redis_url) as here:
        first = asyncio.create_task(here.bus.subscribe(["room"]))
        second = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.sleep(0)
        first.cancel()

        await second
        await here.publish("room", "hello")
        await eventually(here.hears("room", "hello"))


async def test_nothing_arrives_after_unsubscribe_was_carried_out(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["room", "other"])
        here.bus.unsubscribe(["room"])
        await eventually(lambda: _unsubscribed(here.publisher, "room"))
        await here.publish("room", "unheard")
        await here.publish("other", "heard")

        await eventually(here.hears("other", "heard"))
        assert here.messages == [(b"other", b"heard")]


async def test_who_waits_for_a_channel_that_is_given_up_is_told_so(redis_url: str) -> None:
    async with listening(redis_url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.sleep(0)
        here.bus.unsubscribe(["room"])

        with pytest.raises(NotSubscribed):
            await waiting


async def test_subscribing_while_the_unsubscribe_is_on_its_way_waits_for_the_last_word(redis_url: str) -> None:
    async with listening(redis_url) as here:
        for number in range(100):
            await here.bus.subscribe(["room"])
            here.bus.unsubscribe(["room"])
            for _ in range(number % 4):
                await asyncio.sleep(0)
            await here.bus.subscribe(["room"])
            await here.publish("room", str(number))

        await eventually(here.hears("room", "99"))
        assert [payload for _, payload in here.messages] == [b"%d" % number for number in range(100)]


async def test_giving_up_and_asking_again_in_one_tick_costs_redis_nothing(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["room"])
        before = await _calls(here.publisher, "ssubscribe"), await _calls(here.publisher, "sunsubscribe")
        here.bus.unsubscribe(["room"])
        await here.bus.subscribe(["room"])
        await here.publish("room", "hello")

        await eventually(here.hears("room", "hello"))
        assert (await _calls(here.publisher, "ssubscribe"), await _calls(here.publisher, "sunsubscribe")) == before


async def test_any_interleaving_of_both_ends_as_the_last_call_said(redis_url: str) -> None:
    """Eight tasks change their minds about eight channels each; then Redis and the bus must agree."""
    chance = random.Random(7)
    wanted: dict[str, bool] = {}

    async with listening(redis_url) as here:

        async def indecisive(task: int) -> None:
            for _ in range(200):
                channel = f"room:{task}:{chance.randrange(8)}"
                wanted[channel] = not wanted.get(channel, False)
                if not wanted[channel]:
                    here.bus.unsubscribe([channel])
                elif chance.random() < 0.5:
                    await here.bus.subscribe([channel])
                else:
                    asking = asyncio.create_task(here.bus.subscribe([channel]))
                    await asyncio.sleep(0)
                    asking.cancel()
                if chance.random() < 0.3:
                    await asyncio.sleep(0)

        await asyncio.gather(*(indecisive(task) for task in range(8)))
        await here.bus.subscribe(["last"])
        expected = {channel.encode() for channel, is_wanted in wanted.items() if is_wanted} | {b"last", b"probe:test"}

        await eventually(lambda: _holds(here.publisher, expected))
        for channel in expected:
            await here.publisher.spublish(channel, "hello")
        await eventually(lambda: {channel for channel, _ in here.messages} == expected - {b"probe:test"})
        assert here.lost == 0


async def test_the_bus_is_proven_soon_after_its_start(redis_url: str) -> None:
    async with listening(redis_url, probe_seconds=30) as here:
        assert not here.bus.proven
        await eventually(lambda: here.bus.proven, seconds=5)


async def test_probes_are_not_handed_to_the_gateway(redis_url: str) -> None:
    async with listening(redis_url, probe_seconds=0.02) as here:
        await here.bus.subscribe(["room"])
        await eventually(lambda: _many_probes(here.publisher))
        assert here.messages == []


async def test_a_stopped_bus_says_so(redis_url: str) -> None:
    async with listening(redis_url) as here:
        await here.bus.subscribe(["room"])
    with pytest.raises(NotSubscribed):
        await here.bus.subscribe(["room"])


async def test_stopping_frees_who_waits_and_is_no_loss(redis_url: str) -> None:
    async with listening("redis://127.0.0.1:1", publish_url=redis_url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room"]))
        await asyncio.sleep(0)
    with pytest.raises(NotSubscribed):
        await waiting
    assert here.lost == 0


async def _calls(client: RedisClient, command: str) -> int:
    statistics = await client.info("commandstats")
    calls: int = statistics.get(f"cmdstat_{command}", {"calls": 0})["calls"]
    return calls


async def _many_probes(client: RedisClient) -> bool:
    return await _calls(client, "spublish") > 10


async def _unsubscribed(client: RedisClient, channel: str) -> bool:
    return bool(await client.pubsub_shardnumsub(channel) == [(channel.encode(), 0)])


async def _holds(client: RedisClient, channels: set[bytes]) -> bool:
    return set(await client.pubsub_shardchannels()) == channels
