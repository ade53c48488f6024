"""Who comes and goes is told to whoever names it, once, however many processes read the news."""

from gateway.presence.roster import Held
from gateway.presence.script import hold
from persistence.webhooks.presence import PresenceNews
from shared.clock import now_ms
from shared.ids import new_id
from shared.presence import PresenceReader
from tests.integration.webhooks.conftest import World
from tests.integration.webhooks.endpoint import backend
from tests.support.waiting import eventually

GATEWAY = "a-gateway"


async def put(world: World, user_id: str, connections: int | None, epoch: str) -> None:
    """As a gateway tells it."""
    redis = world.rest.parts.redis
    command = hold(redis.named, GATEWAY, Held(user_id, connections, [], now_ms()), [GATEWAY], epoch)
    await redis.execute_command(*command)


async def test_who_comes_and_who_goes_is_told_once_to_whoever_names_it(world: World) -> None:
    parts, ann, bob, eve = world.rest.parts, new_id(), new_id(), new_id()
    presence = PresenceReader(parts.redis, lambda: parts.epoch)
    processes = [PresenceNews(parts.pool, parts.redis, presence, parts.hooks) for _ in range(2)]
    async with backend() as app, backend() as other, world.delivering():
        await world.webhook(other, "*")
        await put(world, bob, 1, parts.epoch)
        await world.webhook(app, "user.online", "user.offline")
        for process in processes:
            await process.turn()
        await put(world, ann, 1, parts.epoch)
        await put(world, eve, 1, new_id())
        await put(world, bob, None, parts.epoch)
        for process in processes:
            await process.turn()
        await put(world, ann, None, parts.epoch)
        for process in processes:
            await process.turn()
        await eventually(lambda: len(app.told()) == 3)
        deliveries = await parts.pool.fetchval("SELECT count(*) FROM hook_deliveries")

    assert app.of("user.online") == [{"userId": ann}]
    gone = app.of("user.offline")
    assert {one["userId"] for one in gone} == {ann, bob}
    assert all(one["lastSeenAt"].endswith("Z") for one in gone)
    assert (deliveries, other.told()) == (3, [])


async def test_nobody_is_asked_for_news_where_no_webhook_names_them(world: World) -> None:
    parts = world.rest.parts
    presence = PresenceReader(parts.redis, lambda: parts.epoch)
    news = PresenceNews(parts.pool, parts.redis, presence, parts.hooks)
    async with backend() as app:
        await world.webhook(app, "*")
        before = (await parts.redis.info("commandstats")).get("cmdstat_xrevrange", {"calls": 0})["calls"]
        await news.turn()
        after = (await parts.redis.info("commandstats")).get("cmdstat_xrevrange", {"calls": 0})["calls"]
    assert before == after
