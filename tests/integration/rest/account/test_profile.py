"""`/api/me` and `/api/people`."""

import asyncio
from typing import Any

from shared import keys, wire
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually


async def edit(person: Person, body: Any, status: int = 200) -> Any:
    response = await person.ask("PATCH", "/api/me", json=body)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def test_one_is_shown_as_the_token_says_until_one_chooses(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    assert (await ann.get("/api/me"))["user"] == {
        "id": ann.id,
        "handle": "ann",
        "displayName": None,
        "avatarUrl": None,
    }

    changed = await edit(ann, {"displayName": "  Ann\u202e  Lee "})

    assert changed["user"]["displayName"] == "Ann Lee"
    assert (await ann.get("/api/me"))["user"]["displayName"] == "Ann Lee", "the token says nothing of it"
    people = (await bob.get(f"/api/conversations/{room}"))["conversation"]["participants"]
    assert {one["id"]: one["displayName"] for one in people}[ann.id] == "Ann Lee"


async def test_no_picture_is_a_choice_that_the_token_does_not_undo(rest: Rest) -> None:
    ann = rest.person("ann")
    await ann.get("/api/me")
    pool = rest.parts.pool
    await pool.execute("UPDATE users SET avatar_url = 'https://cdn.example.com/a.png' WHERE id = $1", ann.id)

    assert (await edit(ann, {"avatar": None}))["user"]["avatarUrl"] is None
    assert (await edit(ann, {}))["user"]["avatarUrl"] is None
    assert await pool.fetchval("SELECT own_avatar AND NOT own_name FROM users WHERE id = $1", ann.id)


async def test_a_name_that_shows_nothing_or_is_too_long_is_refused(rest: Rest) -> None:
    ann = rest.person("ann")
    for name in ("", "   ", "\u200b\u2060", "x" * 61, 5):
        assert (await edit(ann, {"displayName": name}, 400))["field"] == "displayName", name


async def test_who_shares_a_conversation_hears_of_a_change_once_for_many(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    await ann.start(bob)
    await ann.start(bob, rest.person("cid"))
    await eve.get("/api/me")

    async with listening(rest.parts.redis_url, *(keys.user(one.id) for one in (ann, bob, eve))) as ear:
        await asyncio.gather(*(edit(ann, {"displayName": f"Ann {n}"}) for n in range(5)))
        last = (await ann.get("/api/me"))["user"]
        await eventually(lambda: _told(ear.frames(wire.Kind.USER_FRAME), last["displayName"]) >= 2)
        frames = ear.frames(wire.Kind.USER_FRAME)

    assert {frame["type"] for frame in frames} == {"user.changed"}
    assert len(frames) <= 4, "of five changes within one moment two are told at the most, to two people"
    told = frames[-1]
    assert (told["userId"], told["handle"], told["avatarUrl"]) == (ann.id, "ann", None)


def _told(frames: list[dict[str, Any]], name: str) -> int:
    return sum(frame["displayName"] == name for frame in frames)


async def test_what_changes_nothing_is_told_to_nobody(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await ann.start(bob)
    async with listening(rest.parts.redis_url, keys.user(ann.id)) as ear:
        await edit(ann, {"displayName": "Ann"})
        await eventually(lambda: _told(ear.frames(wire.Kind.USER_FRAME), "Ann") == 1)
        await edit(ann, {"displayName": "Ann"})
        await edit(ann, {"displayName": "Anna"})
        await eventually(lambda: _told(ear.frames(wire.Kind.USER_FRAME), "Anna") == 1)

        assert [frame["displayName"] for frame in ear.frames(wire.Kind.USER_FRAME)] == ["Ann", "Anna"]


async def test_people_are_those_one_shares_a_conversation_with(rest: Rest) -> None:
    ann, bob, cid, eve = (rest.person(handle) for handle in ("ann", "bob", "cid", "eve"))
    await ann.start(bob)
    room = await ann.start(bob, cid)
    await eve.start(rest.person("mal"))
    for one in (bob, cid):
        await one.get("/api/me")
    await edit(bob, {"displayName": "Robert"})
    await ann.send(room, "hi")

    async def found(**query: Any) -> list[str]:
        return [one["handle"] for one in (await ann.get("/api/people", **query))["people"]]

    assert sorted(await found()) == ["bob", "cid"]
    assert await found(q="ROB") == ["bob"]
    assert await found(q="ci") == ["cid"]
    assert await found(q="eve") == []
    assert len(await found(limit=1)) == 1
    assert sorted(await found(limit=1000)) == ["bob", "cid"]
    assert (await ann.get("/api/people", 400, limit=0))["field"] == "limit"


async def test_who_blocks_each_other_do_not_find_each_other(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await ann.start(bob, rest.person("cid"))
    await bob.ask("PUT", f"/api/blocks/{ann.id}")

    assert [one["id"] for one in (await bob.get("/api/people"))["people"] if one["id"] == ann.id] == []
    assert [one["id"] for one in (await ann.get("/api/people"))["people"] if one["id"] == bob.id] == []
