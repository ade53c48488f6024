"""Groups while phones are connected, on several gateways: who comes in hears all from then on, who is out nothing."""

import asyncio
from typing import Any

from tests.integration.gateway.world import Phone, World
from tests.integration.rest.conftest import Person
from tests.integration.rest.groups import add, appoint, leave, patch, remove, room
from tests.support.waiting import eventually


async def group(parley: World, *handles: str) -> tuple[str, list[Person], list[Phone]]:
    """A group of these, each with a phone on a gateway of its own."""
    people = [parley.person(handle) for handle in handles]
    made = await people[0].start(*people[1:], isGroup=True)
    return made, people, [await (await parley.gateway()).connect(person) for person in people]


async def heard(phone: Phone, conversation_id: str) -> list[dict[str, Any]]:
    """What came of the conversation, until a ping was answered."""
    return [frame for frame in await phone.silence() if frame.get("conversationId") == conversation_id]


async def test_who_is_added_is_told_of_the_group_and_hears_what_follows(parley: World) -> None:
    made, [ann, _], [hers, his] = await group(parley, "ann", "bob")
    await ann.send(made, "before")
    cleo = parley.person("cleo")
    newcomer = await (await parley.gateway()).connect(cleo)

    await add(ann, made, cleo)

    news = await newcomer.next("conversation.new")
    view = news["conversation"]
    assert (view["id"], view["role"], view["unreadCount"], view["participantCount"]) == (made, "member", 0, 3)
    for phone in (hers, his):
        changed = await phone.next("conversation.changed")
        assert (changed["seq"], changed["participantCount"]) == (2, 3)
        assert changed["added"] == [{"id": cleo.id, "role": "member", "handle": "cleo", "displayName": None}]
    await ann.send(made, "after")
    for phone in (hers, his, newcomer):
        assert (await phone.next_where(lambda frame: frame.get("text") == "after"))["seq"] == 3
    assert "before" not in [frame.get("text") for frame in newcomer.frames]


async def test_who_is_removed_hears_their_own_removal_and_nothing_after_it(parley: World) -> None:
    made, [ann, bob, _], [hers, his, third] = await group(parley, "ann", "bob", "cleo")
    await ann.send(made, "before")

    async def talk() -> None:
        for number in range(40):
            await ann.send(made, f"text {number}")

    talking = asyncio.create_task(talk())
    await his.messages(5)
    await remove(ann, made, bob)
    await talking

    await his.next("conversation.left")
    await eventually(lambda: is_out(his, made))
    removal = next(one["seq"] for one in (await synced(ann, made)) if one["type"] == "conversation.changed")
    seqs = [frame["seq"] for frame in his.frames if frame.get("conversationId") == made and "seq" in frame]
    assert max(seqs) <= removal
    assert (await bob.post("/api/sync", {"conversations": {made: max(seqs)}}))["left"] == [made]
    for phone in (hers, third):
        await phone.next_where(lambda frame: frame.get("text") == "text 39")
    await ann.send(made, "the last")
    assert await heard(his, made) == []


async def is_out(phone: Phone, conversation_id: str) -> bool:
    answer = await phone.ask("typing", conversationId=conversation_id, isTyping=True)
    return bool(answer.get("code") == "not_a_participant")


async def synced(person: Person, conversation_id: str) -> list[dict[str, Any]]:
    answer = await person.post("/api/sync", {"conversations": {conversation_id: 0}})
    return list(answer["conversations"][conversation_id]["events"])


async def test_who_leaves_and_comes_back_hears_of_the_group_again(parley: World) -> None:
    made, [ann, bob], [_, his] = await group(parley, "ann", "bob")
    for turn in range(5):
        await leave(bob, made)
        await ann.send(made, f"away {turn}")
        await add(ann, made, bob)
        await his.next("conversation.left")
        assert (await his.next("conversation.new"))["conversation"]["unreadCount"] == 0
        await ann.send(made, f"back {turn}")
        await his.next_where(lambda frame, turn=turn: frame.get("text") == f"back {turn}")  # type: ignore[misc]

    assert not [frame for frame in his.frames if str(frame.get("text", "")).startswith("away")]


async def test_names_settings_and_roles_reach_every_phone_in_order(parley: World) -> None:
    made, [ann, bob], [hers, his] = await group(parley, "ann", "bob")

    await patch(ann, room(made), {"name": "Sailing", "settings": {"slowSeconds": 3}})
    await appoint(ann, made, bob, "admin")

    for phone in (hers, his):
        first, second = await phone.next("conversation.changed"), await phone.next("conversation.changed")
        assert (first["seq"], first["name"], first["settings"]["slowSeconds"]) == (1, "Sailing", 3)
        assert (second["seq"], second["roles"]) == (2, {bob.id: "admin"})


async def test_a_removal_that_makes_a_message_read_is_told(parley: World) -> None:
    made, [ann, bob, cleo], [hers, *_] = await group(parley, "ann", "bob", "cleo")
    sent = await ann.send(made, "read by bob alone")
    await bob.post(f"{room(made)}/messages/status", {"messageIds": [sent["id"]], "status": "read"})

    await remove(ann, made, cleo)
    await parley.rest.parts.minima.tell()

    told = await hers.next("receipts.all")
    assert (told["conversationId"], told["readUpTo"] >= sent["seq"]) == (made, True)
