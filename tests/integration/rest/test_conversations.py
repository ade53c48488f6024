import asyncio
import json
from pathlib import Path

from persistence.rules import Rules
from shared import texts, wire
from shared.ids import new_id
from shared.keys import room, user
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import SECRET, Person, Rest, serving
from tests.support.tokens import by_secret
from tests.support.waiting import eventually

INVISIBLE = json.loads((Path(__file__).parents[2] / "cases" / "invisible.json").read_text())


async def test_a_new_conversation_has_the_shape_of_the_contract(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await bob.get("/api/conversations")  # bob signed in before

    made = (await ann.post("/api/conversations", {"participantIds": [bob.id]}, 201))["conversation"]

    assert made.pop("id")
    assert made.pop("createdAt") == made.pop("updatedAt")
    nameless = {"displayName": None, "avatarUrl": None, "role": "member"}
    people = [{"id": ann.id, "handle": "ann", **nameless}, {"id": bob.id, "handle": "bob", **nameless}]
    people.sort(key=lambda one: str(one["id"]))
    assert made == {
        "isGroup": False,
        "name": None,
        "bountyId": None,
        "participants": people,
        "participantCount": 2,
        "lastMessage": None,
        "unreadCount": 0,
        "mentionCount": 0,
        "lastSeq": 0,
        "readSeq": 0,
        "isArchived": False,
        "isPinned": False,
        "isMarkedUnread": False,
        "mutedUntil": None,
        "description": None,
        "avatarUrl": None,
        "settings": None,
        "role": "member",
        "existing": False,
    }


async def test_two_people_have_one_conversation_about_each_bounty(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    first = await ann.start(bob, bountyId="door")

    again = (await bob.post("/api/conversations", {"participantIds": [ann.id], "bountyId": "door"}))["conversation"]
    other = await bob.start(ann, bountyId=7)

    assert (again["id"], again["existing"], again["bountyId"]) == (first, True, "door")
    assert other != first
    listed = (await ann.get("/api/conversations"))["conversations"]
    assert {one["id"]: one["bountyId"] for one in listed} == {first: "door", other: 7}


async def test_two_who_ask_at_the_same_instant_get_the_same_conversation(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")

    answers = await asyncio.gather(
        *(ann.ask("POST", "/api/conversations", json={"participantIds": [bob.id]}) for _ in range(5)),
        *(bob.ask("POST", "/api/conversations", json={"participantIds": [ann.id]}) for _ in range(5)),
    )

    made = [(await answer.json())["conversation"] for answer in answers]
    assert len({one["id"] for one in made}) == 1
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
    assert sum(not one["existing"] for one in made) == 1


async def test_three_or_more_are_a_group_each_time_a_new_one(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")

    first, second = await ann.start(bob, eve, name="  walk  "), await ann.start(bob, eve)

    listed = {one["id"]: one for one in (await bob.get("/api/conversations"))["conversations"]}
    assert (listed[first]["isGroup"], listed[first]["name"]) == (True, "walk")
    assert (listed[second]["isGroup"], listed[second]["name"]) == (True, None)


async def test_someone_besides_the_caller_must_be_named(rest: Rest) -> None:
    ann = rest.person("ann")

    for people in ([], [ann.id], [ann.id.upper(), ann.id]):
        refused = await ann.post("/api/conversations", {"participantIds": people}, 400)
        assert refused["field"] == "participantIds"


async def test_a_group_has_at_most_a_thousand_people(rest: Rest) -> None:
    ann = rest.person("ann")
    others = [new_id() for _ in range(1000)]

    await ann.post("/api/conversations", {"participantIds": [*others[1:], ann.id, others[1]][:1000]}, 201)
    refused = await ann.post("/api/conversations", {"participantIds": others}, 400)

    assert refused["field"] == "participantIds"


async def test_the_list_pages_by_newest_activity_without_repeats(rest: Rest) -> None:
    ann, others = rest.person("ann"), [rest.person(f"user{n}") for n in range(5)]
    made = [await ann.start(other) for other in others]
    await ann.send(made[0], "newest")

    first = await ann.get("/api/conversations", limit=2)
    second = await ann.get("/api/conversations", limit=2, cursor=first["nextCursor"])
    third = await ann.get("/api/conversations", limit=2, cursor=second["nextCursor"])

    pages = [page["conversations"] for page in (first, second, third)]
    assert [len(page) for page in pages] == [2, 2, 1]
    ids = [one["id"] for page in pages for one in page]
    assert ids[0] == made[0]
    assert sorted(ids) == sorted(made)
    assert third["nextCursor"] is None


async def test_a_hidden_conversation_is_gone_for_the_caller_alone_until_a_new_message(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    await ann.send(conversation, "before")

    assert await bob.delete(f"/api/conversations/{conversation}") == {"success": True}

    assert (await bob.get("/api/conversations"))["conversations"] == []
    assert len((await ann.get("/api/conversations"))["conversations"]) == 1
    hidden = await bob.get(f"/api/conversations/{conversation}/messages")
    assert (hidden["messages"], hidden["pagination"]["total"]) == ([], 0)
    await ann.send(conversation, "after")
    [back] = (await bob.get("/api/conversations"))["conversations"]
    assert (back["unreadCount"], back["lastMessage"]["text"]) == (1, "after")
    shown = await bob.get(f"/api/conversations/{conversation}/messages")
    assert [one["text"] for one in shown["messages"]] == ["after"]


async def test_asking_for_a_hidden_conversation_brings_it_back(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    await bob.delete(f"/api/conversations/{conversation}")

    again = (await bob.post("/api/conversations", {"participantIds": [ann.id]}))["conversation"]

    assert (again["id"], again["existing"]) == (conversation, True)
    assert [one["id"] for one in (await bob.get("/api/conversations"))["conversations"]] == [conversation]


async def test_everyone_in_a_new_conversation_is_told_at_once(rest: Rest, redis_url: str) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")

    async with listening(redis_url, user(ann.id), user(bob.id)) as ear:
        conversation = await ann.start(bob)
        await eventually(lambda: len(ear.of(wire.Kind.JOINED)) == 2)
        await ann.delete(f"/api/conversations/{conversation}")
        await eventually(lambda: len(ear.of(wire.Kind.HIDDEN)) == 1)

    assert {frame["conversationId"] for frame in ear.frames(wire.Kind.JOINED)} == {conversation}


async def test_typing_reaches_the_room(rest: Rest, redis_url: str) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)

    async with listening(redis_url, room(conversation)) as ear:
        typing = f"/api/conversations/{conversation}/typing"
        assert await ann.post(typing, {"isTyping": True}) == {"success": True}
        await ann.post(typing, {"isTyping": False})
        await eventually(lambda: len(ear.envelopes) == 2)

    assert [frame["type"] for frame in ear.frames(wire.Kind.TYPING_START, wire.Kind.TYPING_STOP)] == [
        "typing.start",
        "typing.stop",
    ]


async def test_one_conversation_is_as_in_the_list_also_while_it_is_hidden(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    conversation = await ann.start(bob, bountyId="door")
    await ann.send(conversation, "hello")
    path = f"/api/conversations/{conversation}"

    [listed] = (await bob.get("/api/conversations"))["conversations"]
    assert (await bob.get(path)) == {"conversation": listed}
    await bob.delete(path)
    hidden = (await bob.get(path))["conversation"]
    assert (hidden["id"], hidden["lastMessage"], hidden["unreadCount"]) == (conversation, None, 0)
    assert (await eve.get(path, 403)) == (await eve.get(f"/api/conversations/{new_id()}", 403))
    assert (await eve.get("/api/conversations/x", 400))["field"] == "id"


async def test_a_name_is_cleaned_and_one_that_shows_nothing_is_refused(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    people = {"participantIds": [bob.id, eve.id]}

    for name in INVISIBLE["names"]:
        shows = bool(texts.line(name)) and len(name) <= 200
        answer = await ann.post("/api/conversations", {**people, "name": name}, 201 if shows else 400)
        if shows:
            assert answer["conversation"]["name"] == texts.line(name), ascii(name)
        else:
            assert answer["field"] == "name"
    blank = await ann.post("/api/conversations", {**people, "name": " \n"}, 201)
    assert blank["conversation"]["name"] is None


async def test_no_bounty_is_one_bounty_however_an_app_writes_it(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    first = await ann.start(bob)

    for nothing in (None, "", "null", "undefined"):
        again = await bob.post("/api/conversations", {"participantIds": [ann.id], "bountyId": nothing})
        assert (again["conversation"]["id"], again["conversation"]["bountyId"]) == (first, None)


async def test_per_pair_two_people_have_one_conversation_whatever_the_bounty(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url) as rest:
        ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
        eldest = await ann.start(bob, bountyId="door")
        await bob.start(ann, bountyId="roof")

    async with serving(database_url, redis_url, rules=Rules(direct_per_bounty=False)) as rest:
        ann, bob, eve = (rest.person(name, one.id) for name, one in (("ann", ann), ("bob", bob), ("eve", eve)))
        for bounty in ("roof", 7, None):
            again = await bob.post("/api/conversations", {"participantIds": [ann.id], "bountyId": bounty})
            assert again["conversation"]["id"] == eldest, "of those from before, the eldest"
        bodies = [{"participantIds": [ann.id], "bountyId": number} for number in range(10)]
        answers = await asyncio.gather(*(eve.ask("POST", "/api/conversations", json=body) for body in bodies))
        assert len({(await answer.json())["conversation"]["id"] for answer in answers}) == 1
        assert sorted(answer.status for answer in answers) == [200] * 9 + [201]


async def test_participants_are_shown_by_what_their_tokens_say_now(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    names = {"username": "bobby", "full_name": "Bob Ross", "picture": "https://a.example/bob.png"}
    token = by_secret(SECRET, sub=bob.id, user_metadata=names, email="bob.ross@example.com")
    await Person(rest.http, bob.id, token).get("/api/conversations")

    shown = (await ann.get(f"/api/conversations/{conversation}"))["conversation"]["participants"]

    named = {"handle": "bobby", "displayName": "Bob Ross", "avatarUrl": names["picture"]}
    assert {"id": bob.id, **named, "role": "member"} in shown
    await bob.get("/api/conversations")  # an older token
    shown = (await ann.get(f"/api/conversations/{conversation}"))["conversation"]["participants"]
    assert {"id": bob.id, "handle": "bob", "displayName": None, "avatarUrl": None, "role": "member"} in shown
