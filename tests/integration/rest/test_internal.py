from shared import wire
from shared.ids import new_id
from shared.keys import user
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Rest
from tests.support.waiting import eventually


async def test_a_gateway_learns_a_users_rooms_and_the_heads_and_missing_events(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    for number in range(3):
        await ann.send(conversation, str(number))

    sessions = await rest.ask_internal("/internal/sessions", {"users": [{"id": bob.id.upper(), "handle": "bobby"}]})
    heads = await rest.ask_internal("/internal/heads", {"conversations": [conversation, new_id()], "users": [bob.id]})
    events = await rest.ask_internal("/internal/events", {"conversationId": conversation, "after": 1, "upTo": 3})

    [session] = sessions["sessions"]
    assert (session["id"], session["rooms"]) == (bob.id, [{"id": conversation, "members": 2}])
    assert heads["heads"] == {conversation: 3}
    assert heads["versions"] == {bob.id: session["version"]}
    assert [event["frame"]["text"] for event in events["events"]] == ["1", "2"]
    assert events["complete"]
    assert {sessions["epoch"], heads["epoch"], events["epoch"]} == {rest.parts.epoch}


async def test_receipts_that_moved_since_are_told(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    sent = await ann.send(conversation, "x")
    before = await rest.ask_internal("/internal/receipts", {"conversations": [conversation]})
    path = f"/api/conversations/{conversation}/messages/status"
    await bob.post(path, {"messageIds": [sent["id"]], "status": "read"})

    after = await rest.ask_internal("/internal/receipts", {"conversations": [conversation], "asOf": before["asOf"]})

    assert before["receipts"] == []
    told = {(one["senderId"], one["frame"]["type"]) for one in after["receipts"]}
    assert (bob.id, "message.read") in told


async def test_live_presence_rooms_and_lost_announcements_are_told(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await bob.get("/api/conversations")  # bob signed in before
    conversation = await ann.start(bob)

    peers = await rest.ask_internal("/internal/peers", {"users": [ann.id, new_id()]})
    views = await rest.ask_internal("/internal/conversations", {"userId": bob.id, "conversations": [conversation]})
    foreign = await rest.ask_internal("/internal/conversations", {"userId": new_id(), "conversations": [conversation]})

    assert peers["rooms"] == {ann.id: [conversation]}
    assert views["conversations"] == {conversation: (await bob.get("/api/conversations"))["conversations"][0]}
    assert foreign["conversations"] == {}


async def test_a_purge_takes_everything_and_tells_the_members(rest: Rest, redis_url: str) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    await ann.send(conversation, "x")

    async with listening(redis_url, user(ann.id), user(bob.id)) as ear:
        purged = await rest.ask_internal("/internal/purge", {"conversations": [conversation, new_id()]})
        await eventually(lambda: len(ear.of(wire.Kind.LEFT)) == 2)

    assert purged == {"purged": 1}
    await ann.get(f"/api/conversations/{conversation}/messages", 403)
    assert (await bob.get("/api/conversations"))["conversations"] == []


async def test_malformed_look_ups_are_refused(rest: Rest) -> None:
    many = [new_id() for _ in range(1001)]
    for path, body in (
        ("/internal/heads", {"conversations": ["x"]}),
        ("/internal/heads", {"conversations": many}),
        ("/internal/sessions", {"users": [{"id": "x", "handle": "y"}]}),
        ("/internal/peers", {"users": many}),
        ("/internal/events", {"conversationId": new_id(), "after": 5, "upTo": 1}),
        ("/internal/events", {"conversationId": new_id(), "after": 0, "upTo": 2**70}),
        ("/internal/receipts", {"conversations": [], "asOf": "'; DROP TABLE meta"}),
        ("/internal/purge", {}),
    ):
        assert (await rest.ask_internal(path, body, 400))["field"]
    await rest.ask_internal("/internal/events", {"conversationId": new_id(), "after": 0, "upTo": 1}, 404)
