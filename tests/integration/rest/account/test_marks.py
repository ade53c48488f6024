"""Archive, pin, mark of unread; unread totals, and reading everything."""

from typing import Any

import pytest

from shared import keys, wire
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually

FIELDS = {"archive": "isArchived", "pinned": "isPinned", "unread-mark": "isMarkedUnread"}


async def mark(person: Person, room: str, what: str, *, on: bool = True, status: int = 200) -> Any:
    response = await person.ask("PUT" if on else "DELETE", f"/api/conversations/{room}/{what}")
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def shown(person: Person, room: str) -> dict[str, bool]:
    conversation = (await person.get(f"/api/conversations/{room}"))["conversation"]
    return {what: conversation[field] for what, field in FIELDS.items()}


async def ids(person: Person, **query: Any) -> set[str]:
    return {one["id"] for one in (await person.get("/api/conversations", **query))["conversations"]}


@pytest.mark.parametrize("what", FIELDS)
async def test_a_mark_is_the_callers_own_set_once_and_told_once(rest: Rest, what: str) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    room = await ann.start(bob)
    async with listening(rest.parts.redis_url, keys.user(ann.id), keys.user(bob.id)) as ear:
        for on in (True, True, False, False):
            assert await mark(ann, room, what, on=on) == {"success": True}
            assert await shown(ann, room) == {key: on and key == what for key in FIELDS}
        await eventually(lambda: len(ear.frames(wire.Kind.USER_FRAME)) >= 2)
        frames = ear.frames(wire.Kind.USER_FRAME)

    assert [frame[FIELDS[what]] for frame in frames] == [True, False]
    assert {frame["type"] for frame in frames} == {"conversation.marked"}
    assert {frame["conversationId"] for frame in frames} == {room}
    assert await shown(bob, room) == dict.fromkeys(FIELDS, False)
    assert (await mark(eve, room, what, status=403))["code"] == "forbidden"
    assert (await mark(ann, "it", what, status=400))["field"] == "id"


async def test_an_archived_conversation_is_in_a_list_of_its_own_until_a_message_brings_it_back(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room, other = await ann.start(bob), await ann.start(bob, bountyId="1")
    await mark(ann, room, "archive")

    assert await ids(ann) == {other} == await ids(ann, archived="false")
    assert await ids(ann, archived="true") == {room}
    assert await ids(ann, archived="all") == {room, other}
    message = await bob.send(room, "hello")
    assert await ids(ann) == {room, other}
    await ann.ask("PUT", f"/api/conversations/{room}/messages/{message['id']}/pin")
    assert not (await shown(ann, room))["archive"]
    await mark(ann, room, "archive")
    await ann.ask("DELETE", f"/api/conversations/{room}/messages/{message['id']}/pin")
    assert (await shown(ann, room))["archive"], "an event that is no message brings nothing back"
    assert (await ann.get("/api/conversations", 400, archived="maybe"))["field"] == "archived"


async def mute(person: Person, room: str, until: str | None) -> None:
    await person.post(f"/api/conversations/{room}/mute", {"until": until})


async def test_a_muted_one_stays_archived_and_a_message_after_the_mute_brings_it_back(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await mark(ann, room, "archive")
    await mute(ann, room, "2999-01-01T00:00:00Z")
    await bob.send(room, "while muted")
    assert (await shown(ann, room))["archive"]
    await mute(ann, room, None)
    assert (await shown(ann, room))["archive"], "what came while it was muted does not count later"

    await bob.send(room, "now")

    assert not (await shown(ann, room))["archive"]
    await mute(ann, room, "2999-01-01T00:00:00Z")
    assert not (await shown(ann, room))["archive"], "nor does a mute of later bring the archive back"


async def test_a_mute_that_ended_by_itself_lets_the_next_message_bring_it_back(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await mark(ann, room, "archive")
    await mute(ann, room, "2999-01-01T00:00:00Z")
    await bob.send(room, "while muted")
    await rest.parts.pool.execute("UPDATE participants SET muted_until = now() WHERE user_id = $1", ann.id)
    assert (await shown(ann, room))["archive"]
    await bob.send(room, "after")

    assert not (await shown(ann, room))["archive"]


async def test_a_mark_of_unread_ends_when_one_reads_further(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    first = await bob.send(room, "one")
    read = {"messageIds": [first["id"]], "status": "read"}
    await ann.post(f"/api/conversations/{room}/messages/status", read)
    await mark(ann, room, "unread-mark")
    await ann.post(f"/api/conversations/{room}/messages/status", read)
    assert (await shown(ann, room))["unread-mark"], "the same again is no reading"
    second = await bob.send(room, "two")
    assert (await shown(ann, room))["unread-mark"]

    await ann.post(f"/api/conversations/{room}/messages/status", {"messageIds": [second["id"]], "status": "read"})

    assert not (await shown(ann, room))["unread-mark"]


async def test_clearing_a_conversation_clears_its_marks(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    for what in FIELDS:
        await mark(ann, room, what)
    await ann.delete(f"/api/conversations/{room}")
    assert await ids(ann, archived="all") == set()
    await bob.send(room, "back")

    assert await shown(ann, room) == dict.fromkeys(FIELDS, False)


async def test_unread_is_told_over_all_and_read_all_reads_all(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    rooms = [await ann.start(bob, bountyId=str(number)) for number in range(4)]
    for room in rooms[:2]:
        for n in range(3):
            await bob.send(room, f"m{n}", mentions=[ann.id] if n == 2 else [])
    await mark(ann, rooms[1], "archive")
    await mark(ann, rooms[2], "unread-mark")
    await mark(ann, rooms[0], "unread-mark")
    assert await ann.get("/api/unread") == {"messages": 6, "mentions": 2, "conversations": 2, "marked": 1}
    channels = [keys.user(ann.id), *map(keys.room, rooms)]
    async with listening(rest.parts.redis_url, *channels) as ear:
        assert await ann.post("/api/conversations/read-all", {}) == {"success": True}
        await eventually(lambda: len(ear.frames(wire.Kind.USER_FRAME, wire.Kind.RECEIPT)) >= 4)
        receipts = ear.frames(wire.Kind.RECEIPT)
        marks = ear.frames(wire.Kind.USER_FRAME)

    assert await ann.get("/api/unread") == {"messages": 0, "mentions": 0, "conversations": 0, "marked": 0}
    assert {(one["conversationId"], one["seq"]) for one in receipts if one["type"] == "message.read"} == {
        (room, 3) for room in rooms[:2]
    }
    assert {one["conversationId"] for one in marks} == {rooms[0], rooms[2]} or {
        one["conversationId"] for one in marks
    } == {rooms[2]}
    assert not any(one["isMarkedUnread"] for one in marks)
    assert {one["unreadCount"] for one in (await ann.get("/api/conversations", archived="all"))["conversations"]} == {0}
    assert await bob.get("/api/unread") == {"messages": 0, "mentions": 0, "conversations": 0, "marked": 0}
