"""Groups over REST: what they are called, how they are set, who comes in, leaves and is what."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.integration.rest.conftest import Rest
from tests.integration.rest.groups import (
    add,
    appoint,
    call,
    events,
    group,
    leave,
    member,
    patch,
    remove,
    roles,
    room,
    status,
    unread,
)
from tests.integration.rest.test_attachments import ready, sees

DEFAULTS = {
    "add": "admins",
    "edit": "admins",
    "pin": "admins",
    "send": "members",
    "expireSeconds": None,
    "slowSeconds": 0,
}


async def test_who_makes_a_group_owns_it_and_it_has_the_default_settings(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")

    mine = (await ann.get(room(made)))["conversation"]
    theirs = (await bob.get(room(made)))["conversation"]

    assert (mine["role"], theirs["role"]) == ("owner", "member")
    assert mine["settings"] == DEFAULTS
    assert (mine["description"], mine["avatarUrl"], mine["participantCount"]) == (None, None, 2)
    assert {one["id"]: one["role"] for one in theirs["participants"]} == {ann.id: "owner", bob.id: "member"}


async def test_a_group_is_renamed_described_and_set_and_all_hear_of_it_in_one_event(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob", name="Old")
    change = {"name": "New \u202e name", "description": " of\r\nus ", "settings": {"slowSeconds": 5, "add": "members"}}

    answer = (await patch(ann, room(made), change))["conversation"]

    assert (answer["name"], answer["description"]) == ("New name", "of\nus")
    assert answer["settings"] == DEFAULTS | {"slowSeconds": 5, "add": "members"}
    [event] = await events(bob, made)
    assert event["type"] == "conversation.changed"
    assert (event["seq"], event["senderId"], event["participantCount"]) == (1, ann.id, 2)
    assert {key: event[key] for key in ("name", "description", "settings")} == {
        key: answer[key] for key in ("name", "description", "settings")
    }
    assert not event.keys() & {"added", "removed", "roles", "avatarUrl"}


async def test_what_is_so_already_is_no_event_and_null_clears(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob", name="Same")

    await patch(ann, room(made), {"name": "Same", "settings": {"send": "members"}})
    await patch(ann, room(made), {})
    assert await events(ann, made) == []

    cleared = await patch(ann, room(made), {"name": None, "avatar": None, "settings": {"expireSeconds": 3600}})
    assert (cleared["conversation"]["name"], cleared["conversation"]["settings"]["expireSeconds"]) == (None, 3600)
    again = await patch(ann, room(made), {"settings": {"expireSeconds": None, "send": None}})
    assert again["conversation"]["settings"] == DEFAULTS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"description": "\u0000"}, "description"),
        ({"settings": {"unknown": 1}}, "settings"),
        ({"settings": {"send": "nobody"}}, "settings.send"),
        ({"settings": {"slowSeconds": 3601}}, "settings.slowSeconds"),
        ({"settings": {"expireSeconds": 3599}}, "settings.expireSeconds"),
    ],
)
async def test_what_a_group_cannot_be_is_refused_by_its_field(rest: Rest, body: Any, field: str) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")

    assert (await patch(ann, room(made), body, 400))["field"].startswith(field)


async def test_a_conversation_of_two_is_no_group(rest: Rest) -> None:
    ann, bob, cleo = rest.person("ann"), rest.person("bob"), rest.person("cleo")
    made = await ann.start(bob)

    refused = [
        await patch(ann, room(made), {"name": "x"}, 409),
        await add(ann, made, cleo, status=409),
        await appoint(ann, made, bob, "admin", 409),
        await leave(ann, made, 409),
        await remove(ann, made, bob, 409),
    ]

    assert {one["code"] for one in refused} == {"not_a_group"}


async def test_strangers_are_refused_as_in_a_group_that_there_is_not(rest: Rest) -> None:
    made, [_, bob] = await group(rest, "ann", "bob")
    eve = rest.person("eve")
    for conversation_id in (made, new_id()):
        for answer in (
            await patch(eve, room(conversation_id), {"name": "x"}, 403),
            await add(eve, conversation_id, eve, status=403),
            await appoint(eve, conversation_id, bob, "admin", 403),
            await leave(eve, conversation_id, 403),
            await remove(eve, conversation_id, bob, 403),
        ):
            assert answer["code"] == "forbidden"


async def test_people_are_added_once_and_see_what_comes_from_then_on(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    cleo = rest.person("cleo")
    await cleo.get("/api/conversations")
    first = await ann.send(made, "before")

    assert await add(ann, made, cleo, bob) == {"added": [cleo.id]}
    assert await add(ann, made, cleo) == {"added": []}

    assert await unread(cleo, made) == 0
    page = await cleo.get(f"{room(made)}/messages")
    assert (page["messages"], page["pagination"]["total"]) == ([], 0)
    await ann.send(made, "after")
    assert await unread(cleo, made) == 1
    [event] = [one for one in await events(bob, made) if one["type"] == "conversation.changed"]
    assert event["added"] == [{"id": cleo.id, "role": "member", "handle": "cleo", "displayName": None}]
    assert (event["participantCount"], event["senderId"]) == (3, ann.id)
    seen = await events(cleo, made)
    assert [one["type"] for one in seen] == ["conversation.changed", "message.new"]
    await cleo.post(f"{room(made)}/messages", {"text": "re", "replyTo": first["id"]}, 400)


async def test_with_history_a_joiner_reads_all_and_nothing_of_it_is_unread(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    cleo = rest.person("cleo")
    await ann.send(made, "before")

    await add(ann, made, cleo, history="all")

    assert await unread(cleo, made) == 0
    page = await cleo.get(f"{room(made)}/messages")
    assert [one["text"] for one in page["messages"]] == ["before"]


async def test_a_join_leaves_every_status_and_unread_count_as_it_was(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    cleo = rest.person("cleo")
    read = await ann.send(made, "read")
    await bob.post(f"{room(made)}/messages/status", {"messageIds": [read["id"]], "status": "read"})
    unread_one = await ann.send(made, "not read")

    await add(ann, made, cleo)

    assert await status(ann, made, read["id"]) == "read"
    assert await status(ann, made, unread_one["id"]) == "sent"
    assert (await unread(ann, made), await unread(bob, made)) == (0, 1)


async def test_who_comes_back_sees_nothing_of_before_whatever_they_are_promised(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    await ann.send(made, "first")
    await leave(bob, made)
    await ann.send(made, "while away")

    await add(ann, made, bob, history="all")

    page = await bob.get(f"{room(made)}/messages")
    assert page["messages"] == []
    assert await unread(bob, made) == 0


async def test_who_left_is_out_of_everything_and_the_others_hear_of_it(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    await ann.send(made, "hello")

    assert await leave(bob, made) == {"success": True}
    assert await leave(bob, made) == {"success": True}
    await ann.send(made, "after")

    assert [one["id"] for one in (await bob.get("/api/conversations"))["conversations"]] == []
    await bob.get(room(made), 403)
    await bob.get(f"{room(made)}/messages", 403)
    await bob.send(made, "still here?", 403)
    told = await bob.post("/api/sync", {"conversations": {made: 1}})
    assert (told["left"], told["conversations"]) == ([made], {})
    event = (await events(ann, made))[1]
    assert (event["type"], event["removed"], event["participantCount"]) == ("conversation.changed", [bob.id], 1)
    assert (await ann.get(room(made)))["conversation"]["participantCount"] == 1


async def test_the_last_owner_is_followed_by_the_longest_standing_admin_else_member(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    cleo, dora = rest.person("cleo"), rest.person("dora")
    await add(ann, made, cleo)
    await add(ann, made, dora)
    await appoint(ann, made, dora, "admin")

    await leave(ann, made)
    assert (await events(bob, made))[-1]["roles"] == {dora.id: "owner"}
    await leave(dora, made)
    assert await roles(bob, made) == {bob.id: "owner", cleo.id: "member"}
    await leave(bob, made)
    await leave(cleo, made)

    assert await leave(cleo, made) == {"success": True}
    assert (await cleo.get("/api/conversations"))["conversations"] == []


async def test_the_last_owner_cannot_be_demoted_and_may_share_or_hand_over(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")

    assert (await appoint(ann, made, ann, "member", 409))["code"] == "last_owner"
    await appoint(ann, made, bob, "owner")
    await appoint(ann, made, bob, "owner")
    await appoint(ann, made, ann, "admin")

    assert await roles(ann, made) == {ann.id: "admin", bob.id: "owner"}
    assert len(await events(ann, made)) == 2
    assert (await appoint(bob, made, rest.person("eve"), "admin", 404))["code"] == "not_found"


async def test_members_are_found_by_their_role(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")

    page = await ann.get(f"{room(made)}/members", role="owner")
    assert [one["id"] for one in page["members"]] == [ann.id]
    page = await ann.get(f"{room(made)}/members", role="member", q="bo")
    assert [one["id"] for one in page["members"]] == [bob.id]


async def test_a_group_never_has_more_than_a_thousand_members(rest: Rest) -> None:
    ann = rest.person("ann")
    others = [new_id() for _ in range(998)]
    made = (await ann.post("/api/conversations", {"participantIds": others, "isGroup": True}, 201))["conversation"][
        "id"
    ]

    refused = await ann.post(f"{room(made)}/members", {"userIds": [new_id(), new_id()]}, 409)
    assert refused["code"] == "limit"
    assert len((await ann.post(f"{room(made)}/members", {"userIds": [new_id()]}))["added"]) == 1
    await ann.post(f"{room(made)}/members", {"userIds": [new_id() for _ in range(101)]}, 400)


async def test_in_a_group_where_admins_send_a_member_reads(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    before = await bob.send(made, "before", clientId="c1")
    await patch(ann, room(made), {"settings": {"send": "admins"}})

    assert (await bob.send(made, "no", 403))["code"] == "not_allowed"
    assert (await bob.send(made, "before", 200, clientId="c1"))["id"] == before["id"]
    await ann.send(made, "yes")
    await appoint(ann, made, bob, "admin")
    await bob.send(made, "now")
    await appoint(ann, made, bob, "member")
    await bob.send(made, "no", 403)
    cleo = rest.person("cleo")
    await add(ann, made, cleo)
    await cleo.send(made, "no", 403)
    await patch(ann, room(made), {"settings": {"send": "members"}})
    await bob.send(made, "yes")
    await cleo.send(made, "yes")


async def test_a_slow_group_takes_one_message_of_a_member_at_a_time(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    await patch(ann, room(made), {"settings": {"slowSeconds": 60}})

    first = await bob.send(made, "one", clientId="c1")
    response = await bob.ask("POST", f"{room(made)}/messages", json={"text": "two"})
    assert (response.status, (await response.json())["code"]) == (429, "slow")
    assert 50 <= int(response.headers["Retry-After"]) <= 60
    assert (await bob.send(made, "one", 200, clientId="c1"))["id"] == first["id"]
    for text in ("owners", "are", "exempt"):
        await ann.send(made, text)

    await patch(ann, room(made), {"settings": {"slowSeconds": 0}})
    await bob.send(made, "free again")


async def test_pinning_is_for_whom_the_settings_name(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    pin = f"{room(made)}/messages/{(await ann.send(made, 'pin me'))['id']}/pin"

    assert (await call(bob, "PUT", pin, status=403))["code"] == "not_allowed"
    await patch(ann, room(made), {"settings": {"pin": "members"}})
    await call(bob, "PUT", pin)


async def test_a_compact_sync_tells_the_whole_state_once(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob", name="Old")
    cleo = rest.person("cleo")
    await patch(ann, room(made), {"name": "New", "description": "of us"})
    await add(ann, made, cleo)
    await appoint(ann, made, cleo, "admin")
    await leave(bob, made)
    await ann.send(made, "hello")

    changed, hello = await events(cleo, made, 1, compact=True)

    assert (changed["type"], changed["seq"], hello["seq"]) == ("conversation.changed", 4, 5)
    assert (changed["name"], changed["description"], changed["participantCount"]) == ("New", "of us", 2)
    assert changed["settings"] == DEFAULTS
    assert {one["id"]: one["role"] for one in changed["added"]} == {ann.id: "owner", cleo.id: "admin"}
    assert changed["removed"] == [bob.id]
    assert changed["roles"] == {ann.id: "owner", cleo.id: "admin"}


async def test_a_blocked_one_is_not_added_and_nobody_is_told(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    eve = rest.person("eve")
    await call(eve, "PUT", f"/api/blocks/{ann.id}")

    assert await add(ann, made, eve) == {"added": []}
    assert await events(ann, made) == []


async def test_removing_who_was_never_there_changes_nothing(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")

    assert await call(ann, "DELETE", member(made, rest.person("eve"))) == {"success": True}
    assert await events(bob, made) == []


async def test_a_group_wears_an_uploaded_picture_that_its_people_see(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    eve = rest.person("eve")
    await eve.get("/api/conversations")
    first, second = [await ready(rest, ann, None, kind="avatar") for _ in range(2)]

    shown = (await patch(ann, room(made), {"avatar": first["id"]}))["conversation"]

    assert shown["avatarUrl"] == f"{rest.url}/api/attachments/{first['id']}"
    [event] = await events(bob, made)
    assert event["avatarUrl"] == shown["avatarUrl"]
    assert [await sees(rest, one, first) for one in (bob, eve)] == [True, False]
    await patch(ann, room(made), {"avatar": first["id"]})
    assert len(await events(bob, made)) == 1
    assert (await patch(ann, room(made), {"avatar": new_id()}, 404))["code"] == "not_found"
    await patch(ann, room(made), {"avatar": second["id"]})
    assert [await sees(rest, bob, one) for one in (first, second)] == [False, True]
    await leave(bob, made)
    assert not await sees(rest, bob, second)
    assert (await patch(ann, room(made), {"avatar": None}))["conversation"]["avatarUrl"] is None
