"""A blocks B: what each of them can still do, and what each of them sees, by every route."""

from typing import Any

import orjson
import pytest

from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_touches import of, put, reaction


async def two(rest: Rest) -> tuple[Person, Person, str]:
    ann, bob = rest.person("ann"), rest.person("bob")
    return ann, bob, await ann.start(bob)


async def block(one: Person, other: Person) -> None:
    assert await put(one, f"/api/blocks/{other.id}") == {"success": True}


async def unblock(one: Person, other: Person) -> None:
    assert await one.delete(f"/api/blocks/{other.id}") == {"success": True}


async def rooms(person: Person, blocked: str = "") -> list[str]:
    query: dict[str, Any] = {"blocked": blocked} if blocked else {}
    return [one["id"] for one in (await person.get("/api/conversations", **query))["conversations"]]


async def code(person: Person, method: str, path: str, body: Any = None) -> str:
    response = await person.ask(method, path, data=None if body is None else orjson.dumps(body))
    assert response.status == 403, await response.text()
    return str((await response.json())["code"])


async def test_whom_one_blocks_is_listed_and_both_ways_are_repeatable(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    stranger = new_id()
    for other in (bob.id, stranger, bob.id):
        assert await put(ann, f"/api/blocks/{other}") == {"success": True}

    listed = (await ann.get("/api/blocks"))["blocks"]

    assert [(one["userId"], one["handle"]) for one in listed] == [(stranger, None), (bob.id, None)]
    assert all(one["createdAt"].endswith("Z") for one in listed)
    assert (await bob.get("/api/blocks")) == {"blocks": []}
    for _ in range(2):
        await unblock(ann, bob)
    assert [one["userId"] for one in (await ann.get("/api/blocks"))["blocks"]] == [stranger]


async def test_nobody_blocks_themselves_nor_more_than_a_thousand(rest: Rest) -> None:
    ann = rest.person("ann")
    assert (await put(ann, f"/api/blocks/{ann.id.upper()}", 400))["code"] == "malformed"
    assert (await ann.ask("PUT", "/api/blocks/nobody")).status == 400
    await rest.parts.pool.execute(
        "INSERT INTO blocks SELECT $1, gen_random_uuid(), now() FROM generate_series(1, 999)", ann.id
    )
    last = new_id()
    await put(ann, f"/api/blocks/{last}")
    assert (await put(ann, f"/api/blocks/{new_id()}", 409))["code"] == "limit"
    await put(ann, f"/api/blocks/{last}")  # again


async def test_nothing_new_is_said_in_the_conversations_of_the_two(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    about = await bob.start(ann, bountyId=7)
    mine, theirs = await ann.send(room, "mine"), await bob.send(room, "theirs")

    await block(ann, bob)

    for person, word, own in ((ann, "blocked", mine), (bob, "forbidden", theirs)):
        for where in (room, about):
            assert await code(person, "POST", f"/api/conversations/{where}/messages", {"text": "x"}) == word
            assert await code(person, "POST", f"/api/conversations/{where}/typing", {"isTyping": True}) == word
        assert await code(person, "PATCH", of(room, own), {"text": "x"}) == word
        assert await code(person, "PUT", reaction(room, theirs, "👍")) == word
        assert await code(person, "DELETE", reaction(room, theirs, "👍")) == word
        assert await code(person, "PUT", of(room, own, "/pin")) == word
    for word, person, other in (("blocked", ann, bob), ("forbidden", bob, ann)):
        for bounty in (None, 7, 8):
            begin = {"participantIds": [other.id], "bountyId": bounty}
            assert await code(person, "POST", "/api/conversations", begin) == word


async def test_each_may_still_delete_what_they_wrote(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    mine, theirs = await ann.send(room, "mine"), await bob.send(room, "theirs")
    await block(ann, bob)

    for person, message in ((bob, theirs), (ann, mine)):
        assert await person.delete(of(room, message)) == {"success": True}
    await ann.delete(of(room, theirs), 403)

    assert [one["text"] for one in (await bob.get(f"/api/conversations/{room}/messages"))["messages"]] == ["", ""]


async def test_the_conversation_is_gone_for_the_blocker_who_finds_it_apart(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    other = await ann.start(rest.person("cid"))
    await bob.send(room, "hello")

    await block(ann, bob)

    assert await rooms(ann) == [other]
    assert await rooms(ann, blocked="true") == [room]
    assert await rooms(ann, blocked="false") == [other]
    assert await rooms(bob) == [room]
    assert await rooms(bob, blocked="true") == []
    history = await ann.get(f"/api/conversations/{room}/messages")
    assert [one["text"] for one in history["messages"]] == ["hello"]
    assert (await ann.get(f"/api/conversations/{room}"))["conversation"]["id"] == room
    assert await code(ann, "DELETE", f"/api/conversations/{room}") == "forbidden"
    synced = await ann.post("/api/sync", {"conversations": {room: 0}})
    assert (synced["left"], list(synced["conversations"])) == ([room], [other])


async def test_the_blocked_sees_both_people_and_no_false_receipt(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    read = await bob.send(room, "read")
    await ann.post(f"/api/conversations/{room}/messages/status", {"messageIds": [read["id"]], "status": "read"})
    await bob.send(room, "waits")
    before = (await bob.get("/api/conversations"))["conversations"]

    await block(ann, bob)

    assert (await bob.get("/api/conversations"))["conversations"] == before
    assert len(before[0]["participants"]) == before[0]["participantCount"] == 2
    history = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert [one["status"] for one in history] == ["read", "sent"]
    synced = (await bob.post("/api/sync", {"conversations": {}}))["conversations"][room]
    assert (synced["deliveredUpTo"], synced["readUpTo"], synced["lastSeq"]) == (1, 1, 2)


async def test_unblocking_brings_back_what_was(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    await ann.send(room, "one")
    await bob.send(room, "two")
    before = (await ann.get("/api/conversations"))["conversations"]
    await block(ann, bob)

    await unblock(ann, bob)

    assert (await ann.get("/api/conversations"))["conversations"] == before
    assert before[0]["unreadCount"] == 1
    await bob.send(room, "three")
    await ann.send(room, "four")
    history = (await ann.get(f"/api/conversations/{room}/messages"))["messages"]
    assert [one["text"] for one in history] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("first", [0, 1])
async def test_blocks_of_both_do_not_undo_each_other(rest: Rest, first: int) -> None:
    people, room = (pair := await two(rest))[:2], pair[2]
    one, other = people[first], people[1 - first]
    await block(one, other)
    await block(other, one)
    for person in people:
        assert await code(person, "POST", f"/api/conversations/{room}/messages", {"text": "x"}) == "blocked"
        assert await rooms(person) == []

    await unblock(one, other)

    assert await rooms(one) == [room]
    assert await rooms(other) == []
    assert await code(one, "POST", f"/api/conversations/{room}/messages", {"text": "x"}) == "forbidden"
    assert await code(other, "POST", f"/api/conversations/{room}/messages", {"text": "x"}) == "blocked"
    await unblock(other, one)
    await one.send(room, "again")
    await other.send(room, "again")


async def test_a_block_leaves_groups_as_they_are(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    group = await ann.start(bob, rest.person("cid"))
    await block(ann, bob)

    await bob.send(group, "hello")
    await ann.send(group, "hello")

    assert (await ann.get("/api/conversations"))["conversations"][0]["unreadCount"] == 0
    await bob.send(group, "again")
    assert (await ann.get("/api/conversations"))["conversations"][0]["unreadCount"] == 1


async def test_a_new_group_leaves_out_whom_a_block_keeps_apart(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    cid, dan = rest.person("cid"), rest.person("dan")
    await block(ann, bob)

    for caller, other in ((ann, bob), (bob, ann)):
        begin = {"participantIds": [other.id, cid.id, dan.id], "name": "Trip"}
        made = (await caller.post("/api/conversations", begin, 201))["conversation"]
        assert {one["id"] for one in made["participants"]} == {caller.id, cid.id, dan.id}
        assert made["participantCount"] == 3
    small = [{"participantIds": [bob.id, cid.id]}, {"participantIds": [bob.id], "isGroup": True}]
    assert [await code(ann, "POST", "/api/conversations", body) for body in small] == ["blocked"] * 2
    assert await code(bob, "POST", "/api/conversations", {"participantIds": [ann.id, cid.id]}) == "forbidden"
    both = await cid.start(ann, bob)
    assert len((await cid.get(f"/api/conversations/{both}"))["conversation"]["participants"]) == 3


async def test_presence_of_either_is_told_to_the_other_no_more(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    await block(ann, bob)
    for person, other in ((ann, bob), (bob, ann)):
        assert await person.get("/api/presence", userIds=other.id) == {"presence": [], "unknown": []}
    peers = await rest.ask_internal("/internal/peers", {"users": [ann.id, bob.id]})
    assert peers["rooms"] == {}
    await unblock(ann, bob)
    assert len((await ann.get("/api/presence", userIds=bob.id))["presence"]) == 1


async def test_a_sync_tells_whom_one_blocks_where_that_changed(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    first = await ann.post("/api/sync", {"conversations": {}})
    assert "blockedUsers" not in first
    await block(ann, bob)

    second = await ann.post("/api/sync", {"conversations": {}, "asOf": first["asOf"]})
    third = await ann.post("/api/sync", {"conversations": {}, "asOf": second["asOf"]})

    assert second["blockedUsers"] == [bob.id]
    assert "blockedUsers" not in third
    await unblock(ann, bob)
    fourth = await ann.post("/api/sync", {"conversations": {}, "asOf": third["asOf"]})
    assert fourth["blockedUsers"] == []
    assert "blockedUsers" not in await bob.post("/api/sync", {"conversations": {}})


async def test_a_repeat_of_what_was_sent_before_the_block_is_refused_like_any_send(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    await bob.send(room, "once", clientId="c1")
    await block(ann, bob)
    repeat = {"text": "once", "clientId": "c1"}
    assert await code(bob, "POST", f"/api/conversations/{room}/messages", repeat) == "forbidden"
