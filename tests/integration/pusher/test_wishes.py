"""What a user chose decides whether a phone rings, and what it shows."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from pusher.stream import UndeliveredStream
from shared import keys
from shared.clock import now_ms
from tests.integration.pusher.world import PushWorld
from tests.support.waiting import eventually

PREFERENCES = "/notifications/preferences"


async def reasons(push: PushWorld, message_id: str) -> list[str]:
    """Why this message was not pushed, of each who should not be."""
    rows = await push.parley.rest.parts.pool.fetch(
        "SELECT reason FROM push_decisions WHERE message_id = $1", message_id
    )
    return [row["reason"] for row in rows]


def around_now() -> dict[str, str]:
    """Quiet hours, by a clock far from ours, of which some are left."""
    local = datetime.now(UTC) + timedelta(hours=14)
    start, end = local - timedelta(hours=1), local + timedelta(hours=2)
    return {"quiet_start": f"{start:%H:%M}", "quiet_end": f"{end:%H:%M}", "time_zone": "Pacific/Kiritimati"}


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [({"messages_enabled": False}, "notifications off"), (around_now(), "quiet hours")],
    ids=["off", "quiet hours over the date line"],
)
async def test_who_wants_no_pushes_gets_none_and_the_trace_says_why(
    push: PushWorld, wishes: dict[str, object], reason: str
) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    await bob.post(PREFERENCES, wishes)
    room = await ann.start(bob)

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await push.drained()

    assert push.expo.accepted == []
    assert await reasons(push, message["id"]) == [reason]


async def test_the_deployments_preview_holds_until_a_user_chooses_another(push: PushWorld) -> None:
    ann = push.person("ann")
    (bob, bobs), (cleo, cleos) = await push.with_phone("bob"), await push.with_phone("cleo")
    await cleo.post(PREFERENCES, {"preview": "full"})

    async with push.pusher(push_preview="none"):
        await ann.send(await ann.start(bob, cleo, isGroup=True, name="Climbing"), "A secret")
        await push.drained()

    [to_bob], [to_cleo] = push.expo.of(bobs), push.expo.of(cleos)
    assert (to_bob["title"], to_bob["body"]) == ("New message", "You have a new message")
    assert (to_cleo["title"], to_cleo["body"]) == ("Climbing", "ann: A secret")


async def test_the_badge_is_what_is_unread_in_all_conversations_when_the_push_goes_out(push: PushWorld) -> None:
    ann, dan = push.person("ann"), push.person("dan")
    bob, bobs = await push.with_phone("bob")
    muted, read, last = await ann.start(bob), await dan.start(bob), await ann.start(bob, dan, isGroup=True)
    await bob.post(f"/api/conversations/{muted}/mute", {"until": "2999-01-01T00:00:00Z"})
    await ann.send(muted, "one")
    seen = await dan.send(read, "two")
    await ann.send(last, "three")
    await bob.post(f"/api/conversations/{read}/messages/status", {"messageIds": [seen["id"]], "status": "read"})

    async with push.pusher():
        await push.drained()

    [told] = push.expo.of(bobs)
    assert (told["data"]["conversationId"], told["badge"]) == (last, 2), "the muted one counts, what was read does not"


async def test_who_hid_the_conversation_or_left_it_before_the_push_hears_nothing(push: PushWorld) -> None:
    ann = push.person("ann")
    (bob, _), (cleo, _), (dan, dans) = [await push.with_phone(name) for name in ("bob", "cleo", "dan")]
    room = await ann.start(bob, cleo, dan, isGroup=True)
    message = await ann.send(room, "Hello")
    await eventually(lambda: entry_waits(push))
    await bob.delete(f"/api/conversations/{room}")
    await push.parley.rest.parts.pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", cleo.id)

    async with push.pusher():
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [dans]
    assert sorted(await reasons(push, message["id"])) == ["hid the conversation", "left the conversation"]


async def entry_waits(push: PushWorld) -> bool:
    return await push.waiting() == 1


async def test_a_senders_own_devices_hear_nothing_of_it(push: PushWorld) -> None:
    ann, anns = await push.with_phone("ann")
    await push.register(ann, "ExponentPushToken[anns-tablet]", "android")
    bob, bobs = await push.with_phone("bob")

    async with push.pusher():
        await ann.send(await ann.start(bob), "Hello")
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [bobs]
    assert push.expo.of(anns) == []


async def test_what_waits_is_measured_by_its_number_and_its_age(push: PushWorld) -> None:
    redis = push.parley.rest.parts.redis
    stream = UndeliveredStream(redis, "one")
    await stream.create_group()
    assert await stream.backlog() == (0, 0.0)
    for age_seconds in (60, 30, 0):
        await redis.xadd(keys.UNDELIVERED, {"message": b"an entry"}, id=f"{now_ms() - age_seconds * 1000}-0")
    await stream.take(1, None)

    waiting, age = await stream.backlog()

    assert waiting == 3, "what was taken waits until it is acknowledged"
    assert 59 <= age < 600


async def test_who_muted_all_but_mentions_is_pushed_for_mentions_alone(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, bobs = await push.with_phone("bob")
    room = await ann.start(bob)
    await bob.post(f"/api/conversations/{room}/mute", {"until": "2999-01-01T00:00:00Z", "mentions_only": True})

    async with push.pusher():
        plain = await ann.send(room, "nothing for bob")
        body = orjson.dumps({"mentions": [bob.id]})
        await ann.ask("PATCH", f"/api/conversations/{room}/messages/{plain['id']}", data=body)
        named = await ann.send(room, "you", mentions=[bob.id])
        everybody = await ann.send(room, "all", mentions="all")
        await push.drained()

    told = {one["data"]["messageId"] for one in push.expo.of(bobs)}
    assert told <= {named["id"], everybody["id"]}
    assert told
    assert await reasons(push, plain["id"]) == ["conversation muted"]
