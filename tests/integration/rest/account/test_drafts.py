"""Drafts over several devices."""

import asyncio
import itertools
from typing import Any

import pytest

from persistence.database import retention
from persistence.drafts import store
from shared import keys, wire
from shared.ids import new_id
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually

NOON, LATER, LATEST = (f"2026-01-01T{hour}:00:00.000Z" for hour in ("12", "13", "14"))
MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"text": "x"}, "updatedAt"),
    ({"updatedAt": NOON}, "text"),
    ({"text": "x" * 8001, "updatedAt": NOON}, "text"),
    ({"text": "x", "updatedAt": "yesterday"}, "updatedAt"),
    ({"text": "x", "updatedAt": NOON, "replyTo": "it"}, "replyTo"),
    ({"text": "x", "updatedAt": NOON, "attachments": [new_id()] * 11}, "attachments"),
]


async def put(person: Person, room: str, text: str, at: str, status: int = 200, **fields: Any) -> Any:
    body = {"text": text, "updatedAt": at, **fields}
    response = await person.ask("PUT", f"/api/drafts/{room}", json=body)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def upload(rest: Rest, owner: Person, room: str) -> str:
    """A picture that is ready."""
    file = new_id()
    await rest.parts.pool.execute("INSERT INTO blobs (id, touched_at) VALUES ($1, now())", file)
    await rest.parts.pool.execute(
        """
INSERT INTO attachments (id, conversation_id, owner_id, client_id, state, kind, name, content_type, size, blob,
                         created_at, expires_at)
VALUES ($1, $2, $3, gen_random_uuid()::text, 'ready', 'image', 'a.png', 'image/png', 1, $1,
        now(), now() + interval '1 day')
""",
        file,
        room,
        owner.id,
    )
    return file


async def drafts(person: Person) -> list[Any]:
    return list((await person.get("/api/drafts"))["drafts"])


async def test_a_draft_is_kept_with_all_that_it_holds_and_told_to_the_other_devices(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room, reply = await ann.start(bob), new_id()
    file = await upload(rest, ann, room)

    async with listening(rest.parts.redis_url, keys.user(ann.id), keys.user(bob.id)) as ear:
        answer = await put(ann, room, "Hel", NOON, replyTo=reply.upper(), attachments=[file])
        await eventually(lambda: bool(ear.frames(wire.Kind.USER_FRAME)))
        [frame] = ear.frames(wire.Kind.USER_FRAME)

    expected = {"conversationId": room, "text": "Hel", "replyTo": reply, "attachments": [file], "updatedAt": NOON}
    assert answer == {"success": True, "drafts": [expected]}
    assert await drafts(ann) == [expected]
    assert await drafts(bob) == []
    assert {key: frame[key] for key in expected} == expected
    assert frame["type"] == "draft"


async def test_whatever_the_order_in_which_they_come_the_newest_stands(rest: Rest) -> None:
    ann = rest.person("ann")
    for order in itertools.permutations([("old", NOON), ("gone", LATER), ("new", LATEST)]):
        room = await ann.start(rest.person("bob"))
        for text, at in order:
            if text == "gone":
                await ann.delete(f"/api/drafts/{room}?updatedAt={at}")
            else:
                await put(ann, room, text, at)

        assert [one["text"] for one in await drafts(ann) if one["conversationId"] == room] == ["new"], order


async def test_a_draft_from_before_its_end_does_not_come_back_and_the_answer_says_so(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    await put(ann, room, "first", NOON)
    assert (await ann.delete(f"/api/drafts/{room}"))["drafts"] == []

    assert (await put(ann, room, "late", LATER))["drafts"] == []
    assert await drafts(ann) == []
    await ann.delete(f"/api/drafts/{room}")


async def test_an_end_that_comes_before_its_draft_counts_all_the_same(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    await ann.delete(f"/api/drafts/{room}?updatedAt={LATER}")

    assert (await put(ann, room, "late", NOON))["drafts"] == []


async def test_two_devices_that_write_at_once_hear_the_same(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))

    answers = await asyncio.gather(*(put(ann, room, f"text {n}", LATER) for n in range(10)))

    [standing] = await drafts(ann)
    assert {answer["drafts"][0]["text"] for answer in answers} == {standing["text"]}


async def test_a_clock_that_is_ahead_does_not_win_for_ever(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    [first] = (await put(ann, room, "from the future", "2999-01-01T00:00:00.000Z"))["drafts"]
    assert first["updatedAt"] < "2900"

    await ann.delete(f"/api/drafts/{room}")

    assert await drafts(ann) == []


async def test_nothing_written_is_no_draft(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    await put(ann, room, "x", NOON)

    assert (await put(ann, room, "", LATER))["drafts"] == []
    assert (await put(ann, room, "", LATEST, replyTo=new_id()))["drafts"][0]["text"] == ""


async def test_what_is_malformed_is_named(rest: Rest) -> None:
    ann = rest.person("ann")
    room = await ann.start(rest.person("bob"))
    for body, field in MALFORMED:
        response = await ann.ask("PUT", f"/api/drafts/{room}", json=body)

        assert response.status == 400, body
        assert (await response.json())["field"] == field


async def test_a_draft_holds_its_files_until_it_ends_and_takes_only_what_is_ones_own(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room, other = await ann.start(bob), await ann.start(rest.person("cid"))
    first, second = await upload(rest, ann, room), await upload(rest, ann, room)
    pool = rest.parts.pool

    async def held() -> set[str]:
        return {row["attachment_id"] for row in await pool.fetch("SELECT * FROM attachment_holds")}

    await put(ann, room, "", NOON, attachments=[first])
    assert await held() == {first}
    await put(ann, room, "", LATER, attachments=[second])
    assert await held() == {second}
    await put(ann, room, "late", NOON, attachments=[first])
    assert await held() == {second}, "what does not stand holds nothing"
    for wrong in (new_id(), await upload(rest, bob, room), await upload(rest, ann, other)):
        refused = await put(ann, room, "x", LATEST, 400, attachments=[wrong])
        assert refused["field"] == "attachments"
    assert (await drafts(ann))[0]["attachments"] == [second]
    await ann.delete(f"/api/drafts/{room}")
    assert await held() == set()


async def test_a_stranger_cannot_write_into_a_conversation_and_who_left_sees_no_draft_of_it(rest: Rest) -> None:
    ann, eve = rest.person("ann"), rest.person("eve")
    room = await ann.start(rest.person("bob"))
    await put(eve, room, "x", NOON, 403)
    await eve.delete(f"/api/drafts/{room}", 403)
    await put(ann, room, "x", NOON)
    await rest.parts.pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", ann.id)

    assert await drafts(ann) == []


async def test_there_are_so_many_drafts_and_no_more(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    ann = rest.person("ann")
    rooms = [await ann.start(rest.person("bob")) for _ in range(3)]
    for room in rooms[:2]:
        await put(ann, room, "x", NOON)

    assert (await put(ann, rooms[2], "x", NOON, 409))["code"] == "limit"
    await put(ann, rooms[0], "another", LATER)
    await ann.delete(f"/api/drafts/{rooms[0]}")
    await put(ann, rooms[2], "x", NOON)


async def test_a_purge_takes_drafts_along_and_ends_of_drafts_go_after_a_month(rest: Rest) -> None:
    ann = rest.person("ann")
    gone, kept = await ann.start(rest.person("bob")), await ann.start(rest.person("bob"))
    await put(ann, gone, "x", NOON)
    await put(ann, kept, "x", NOON)
    await rest.ask_internal("/internal/purge", {"conversations": [gone]})
    assert [draft["conversationId"] for draft in await drafts(ann)] == [kept]
    pool = rest.parts.pool
    assert await pool.fetchval("SELECT count(*) FROM drafts") == 1

    await ann.delete(f"/api/drafts/{kept}?updatedAt=2026-01-02T00:00:00Z")
    await pool.execute("UPDATE drafts SET updated_at = now() - interval '31 days'")
    await retention.sweep(pool)

    assert await pool.fetchval("SELECT count(*) FROM drafts") == 0
