"""Messages that one saves for oneself."""

from typing import Any

import pytest

from persistence.saved import store
from shared import keys, wire
from shared.ids import new_id
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually


async def save(person: Person, message_id: str, status: int = 200) -> Any:
    response = await person.ask("PUT", f"/api/saved/{message_id}")
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def texts(person: Person) -> list[str]:
    return [message["text"] for message in (await person.get("/api/saved"))["messages"]]


async def test_a_message_is_saved_and_no_more_and_each_is_told_once(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    message = await bob.send(room, "keep this")

    async with listening(rest.parts.redis_url, keys.user(ann.id), keys.user(bob.id)) as ear:
        assert await save(ann, message["id"]) == {"success": True}
        await save(ann, message["id"])
        listed = await ann.get("/api/saved")
        assert await ann.delete(f"/api/saved/{message['id']}") == {"success": True}
        await ann.delete(f"/api/saved/{message['id']}")
        await eventually(lambda: len(ear.frames(wire.Kind.USER_FRAME)) >= 2)
        frames = ear.frames(wire.Kind.USER_FRAME)

    assert [(one["id"], one["conversationId"], one["text"]) for one in listed["messages"]] == [
        (message["id"], room, "keep this")
    ]
    assert listed["asOfSeq"] == {room: 1}
    assert listed["nextCursor"] is None
    assert [(one["type"], one["messageId"], one["on"]) for one in frames] == [
        ("saved", message["id"], True),
        ("saved", message["id"], False),
    ]
    assert await texts(ann) == []


async def test_pages_begin_with_what_was_saved_last(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    for n in range(5):
        await save(ann, (await bob.send(room, f"m{n}"))["id"])

    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await ann.get("/api/saved", limit=2, **cursor)
        seen += [message["text"] for message in page["messages"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}

    assert seen == ["m4", "m3", "m2", "m1", "m0"]
    assert (await ann.get("/api/saved", 400, cursor="x"))["field"] == "cursor"


async def test_only_what_one_may_still_see_is_given(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room, other = await ann.start(bob), await ann.start(bob, rest.person("cid"))
    deleted, hidden, kept = [await bob.send(room, text) for text in ("deleted", "hidden", "kept")]
    left = await bob.send(other, "left")
    for message in (deleted, hidden, kept, left):
        await save(ann, message["id"])
    await bob.delete(f"/api/conversations/{room}/messages/{deleted['id']}")
    await ann.delete(f"/api/conversations/{room}/messages/{hidden['id']}?for=me")
    await rest.parts.pool.execute(
        "UPDATE participants SET left_at = now() WHERE conversation_id = $1 AND user_id = $2", other, ann.id
    )

    assert await texts(ann) == ["kept"]
    await ann.delete(f"/api/conversations/{room}")
    assert await texts(ann) == []
    assert (await save(ann, kept["id"], 404))["code"] == "no_such_message"


async def test_what_one_does_not_see_cannot_be_saved_and_a_stranger_learns_nothing(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    room = await ann.start(bob)
    message, gone = await ann.send(room, "hi"), await ann.send(room, "gone")
    await ann.delete(f"/api/conversations/{room}/messages/{gone['id']}")

    assert await save(eve, message["id"], 404) == await save(eve, new_id(), 404)
    assert (await save(bob, gone["id"], 409))["code"] == "deleted"
    assert (await save(bob, "it", 400))["field"] == "message"
    assert await eve.delete(f"/api/saved/{new_id()}") == {"success": True}


async def test_there_are_so_many_and_deleted_ones_do_not_count(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    first, second, third = [await ann.send(room, text) for text in "abc"]
    for message in (first, second):
        await save(ann, message["id"])

    assert (await save(ann, third["id"], 409))["code"] == "limit"
    await ann.delete(f"/api/conversations/{room}/messages/{first['id']}")
    await save(ann, third["id"])
    assert await texts(ann) == ["c", "b"]
