"""Being added to a group is pushed like a first message."""

from tests.integration.pusher.world import PushWorld
from tests.support.waiting import eventually


async def test_who_is_added_while_away_is_told_once(push: PushWorld) -> None:
    ann, cleo = push.person("ann"), push.person("cleo")
    bob, token = await push.with_phone("bob")
    room = await ann.start(cleo, isGroup=True, name="Sailing")
    await ann.post(f"/api/conversations/{room}/members", {"userIds": [bob.id]})

    async with push.pusher():
        await eventually(lambda: bool(push.expo.of(token)), 15)

    [told] = push.expo.of(token)
    assert told["data"] == {"conversationId": room, "type": "conversation.new"}
    assert (told["title"], told["body"]) == ("Sailing", "ann added you")
    assert (told["collapseId"], told["badge"]) == (room, 0)
    assert await push.parley.rest.parts.pool.fetchval("SELECT count(*) FROM arrivals") == 0


async def test_a_new_group_is_told_and_a_message_that_follows_at_once_is_told_instead(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    quiet, spoken = await ann.start(bob, isGroup=True), await ann.start(bob, isGroup=True)
    await ann.send(spoken, "hello")

    async with push.pusher():
        await push.drained()
        await eventually(lambda: len(push.expo.of(token)) == 2, 15)

    told = {one["data"]["conversationId"]: one["data"].get("type") for one in push.expo.of(token)}
    assert told == {quiet: "conversation.new", spoken: None}


async def test_who_left_again_muted_all_or_is_online_is_not_told(push: PushWorld) -> None:
    ann, cleo = push.person("ann"), push.person("cleo")
    gone, gone_token = await push.with_phone("gone")
    deaf, deaf_token = await push.with_phone("deaf")
    here, here_token = await push.with_phone("here")
    await deaf.post("/notifications/preferences", {"messages_enabled": False})
    room = await ann.start(cleo, isGroup=True)
    async with push.pusher():
        phone = await (await push.parley.gateway()).connect(here)
        await push.online(here)
        await ann.post(f"/api/conversations/{room}/members", {"userIds": [gone.id, deaf.id, here.id]})
        await phone.next("conversation.new")
        await gone.delete(f"/api/conversations/{room}/members/{gone.id}")
        pool = push.parley.rest.parts.pool

        async def is_over() -> bool:
            return not await pool.fetchval("SELECT count(*) FROM arrivals")

        await eventually(is_over, 15)

    assert [push.expo.of(token) for token in (gone_token, deaf_token, here_token)] == [[], [], []]
