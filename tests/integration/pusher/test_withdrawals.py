"""Messages that are deleted before, or after, somebody's phone was to show them."""

from tests.integration.pusher.world import PushWorld
from tests.support.waiting import eventually


async def test_a_deleted_message_is_not_pushed(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    gone = await ann.send(room, "SECRET")
    await ann.delete(f"/api/conversations/{room}/messages/{gone['id']}")

    async with push.pusher():
        await ann.send(room, "stays")
        await push.drained()

    assert "SECRET" not in str(push.expo.of(token))
    assert [told["body"] for told in push.expo.of(token)] == ["stays"]
    assert push.expo.of(token)[0]["badge"] == 1


async def test_what_was_pushed_is_withdrawn_once_and_silently(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    async with push.pusher():
        sent = await ann.send(room, "oops")
        await push.drained()
        await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")
        await eventually(lambda: len(push.expo.of(token)) == 2)

    shown, withdrawal = push.expo.of(token)
    assert shown["collapseId"] == withdrawal["collapseId"] == room
    assert withdrawal["data"] == {"type": "message.deleted", "conversationId": room, "messageId": sent["id"]}
    assert not {"title", "body", "sound"} & withdrawal.keys()
    taken = "SELECT count(*) FROM push_ledger WHERE withdraw IS FALSE"
    assert await push.parley.rest.parts.pool.fetchval(taken) == 1


async def test_no_touch_pushes_anything(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    async with push.pusher():
        sent = await ann.send(room, "hello")
        await push.drained()
        path = f"/api/conversations/{room}/messages/{sent['id']}"
        for method, rest in (("PUT", "/reactions/x"), ("PUT", "/pin"), ("DELETE", "/pin")):
            assert (await ann.ask(method, path + rest)).status == 200
        await ann.send(room, "again")
        await push.drained()

    assert {told["body"] for told in push.expo.of(token)} <= {"hello", "again"}
