"""The app's own server makes users and conversations, speaks in them, and reads what happened."""

import asyncio

from persistence.rules import Rules
from shared.ids import new_id
from shared.settings import SYSTEM_USER_ID
from tests.integration.rest.conftest import Person, Rest, Server, serving

ROOMS = "/server/conversations"


async def room_of(server: Server, *people: str, status: int = 201, **fields: object) -> str:
    body = {"participantIds": list(people), **fields}
    return str((await server.ask("POST", ROOMS, body, status))["conversation"]["id"])


async def say(server: Server, room: str, status: int = 201, **fields: object) -> dict[str, object]:
    body = {"clientId": new_id(), "text": "hello", "kind": "system", **fields}
    answer = await server.ask("POST", f"{ROOMS}/{room}/messages", body, status)
    message: dict[str, object] = answer.get("message", answer)
    return message


async def test_users_are_made_and_changed_and_what_is_left_out_stays(rest: Rest) -> None:
    server, ann, bob = await rest.key("users"), new_id(), new_id()
    body = {"users": [{"id": ann, "handle": " Ann \u202e", "data": {"plan": "pro"}}, {"id": bob.upper()}]}
    made = (await server.ask("PUT", "/server/users", body))["users"]
    assert [(one["id"], one["handle"], one["data"]) for one in made] == [
        (ann, "Ann", {"plan": "pro"}),
        (bob, None, None),
    ]

    await server.ask("PUT", "/server/users", {"users": [{"id": ann, "handle": "Anna"}]})
    assert (await server.ask("GET", f"/server/users/{ann}"))["user"]["data"] == {"plan": "pro"}
    [changed] = (await server.ask("PUT", "/server/users", {"users": [{"id": ann, "data": None}]}))["users"]
    assert (changed["handle"], changed["data"]) == ("Anna", None)


async def test_what_a_user_may_not_be_is_refused_and_nobody_is_made(rest: Rest) -> None:
    server, ann = await rest.key("users"), new_id()
    for users in (
        [],
        [{"id": "ann"}],
        [{"id": ann, "handle": "\u200b"}],
        [{"id": ann, "handle": "x" * 65}],
        [{"id": ann, "data": "x" * 4096}],
        [{"id": new_id()} for _ in range(101)],
    ):
        await server.ask("PUT", "/server/users", {"users": users}, 400)
    await server.ask("GET", f"/server/users/{ann}", status=404)


async def test_with_handles_of_the_server_no_token_renames(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, rules=Rules(renames=False)) as rest:
        server, ann = await rest.key("users"), rest.person("from-token")
        await server.ask("PUT", "/server/users", {"users": [{"id": ann.id, "handle": "from-server"}]})
        await ann.get("/api/conversations")
        session = {"users": [{"id": ann.id, "handle": "from-token"}], "sessionIds": []}
        [told] = (await rest.ask_internal("/internal/sessions", session))["sessions"]
        assert told["handle"] == "from-server"
        assert (await server.ask("GET", f"/server/users/{ann.id}"))["user"]["handle"] == "from-server"
        bob = rest.person("bob")
        await bob.get("/api/conversations")
        assert (await server.ask("GET", f"/server/users/{bob.id}"))["user"]["handle"] == "bob"


async def test_who_is_deactivated_is_refused_until_reactivated_and_a_ban_is_apart(rest: Rest) -> None:
    server, ann = await rest.key("users"), rest.person()
    await ann.get("/api/conversations")
    for _ in range(2):
        told = (await server.ask("POST", f"/server/users/{ann.id}/deactivate"))["user"]
        assert told["deactivatedAt"] is not None
    await ann.get("/api/conversations", 403)
    session = await rest.ask_internal("/internal/sessions", {"users": [{"id": ann.id, "handle": "ann"}]})
    assert session["sessions"][0]["banned"] is True

    await rest.ask_internal("/internal/ban", {"userId": ann.id})
    assert (await server.ask("POST", f"/server/users/{ann.id}/reactivate"))["user"]["deactivatedAt"] is None
    await ann.get("/api/conversations", 403)
    await rest.ask_internal("/internal/ban", {"userId": ann.id, "lift": True})
    await ann.get("/api/conversations")
    await server.ask("POST", f"/server/users/{new_id()}/deactivate", status=404)


async def test_a_conversation_with_an_id_is_made_once_also_when_asked_at_the_same_instant(rest: Rest) -> None:
    server, ann, bob, cat = await rest.key("conversations"), rest.person(), rest.person("bob"), new_id()
    room = new_id()
    body = {"id": room, "participantIds": [ann.id, bob.id, cat], "name": "Trip", "createdBy": ann.id, "data": {"n": 1}}
    answers = await asyncio.gather(*(rest.http.post(ROOMS, json=body, headers=auth(server)) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    told = (await server.ask("GET", f"{ROOMS}/{room}"))["conversation"]
    assert (told["name"], told["createdBy"], told["participantCount"], told["data"]) == ("Trip", ann.id, 3, {"n": 1})
    assert [one["id"] for one in (await bob.get("/api/conversations"))["conversations"]] == [room]


def auth(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.key}"}


async def test_two_people_get_the_conversation_that_they_have(rest: Rest) -> None:
    server, ann, bob = await rest.key("conversations"), rest.person(), rest.person("bob")
    room = await ann.start(bob)

    assert await room_of(server, ann.id, bob.id, status=200) == room
    assert await room_of(server, ann.id, bob.id, bountyId="7") != room
    alone = await server.ask("POST", ROOMS, {"participantIds": [ann.id]}, 201)
    assert alone["conversation"]["isGroup"] is True
    for people in ([], ["ann", bob.id], [new_id() for _ in range(1001)]):
        await server.ask("POST", ROOMS, {"participantIds": people}, 400)


async def test_data_of_a_conversation_is_put_and_taken_away(rest: Rest) -> None:
    server = await rest.key("conversations")
    room = await room_of(server, new_id(), new_id(), new_id())

    assert (await server.ask("PUT", f"{ROOMS}/{room}/data", {"data": [1]}))["conversation"]["data"] == [1]
    assert (await server.ask("PUT", f"{ROOMS}/{room}/data", {"data": None}))["conversation"]["data"] is None
    await server.ask("PUT", f"{ROOMS}/{room}/data", {"data": "x" * 4096}, 400)
    await server.ask("PUT", f"{ROOMS}/{room}/data", {}, 400)
    await server.ask("PUT", f"{ROOMS}/{new_id()}/data", {"data": 1}, 404)
    await server.ask("GET", f"{ROOMS}/{new_id()}", status=404)


async def friends(rest: Rest) -> tuple[Person, Person, str]:
    ann, bob = rest.person(), rest.person("bob")
    return ann, bob, await ann.start(bob)


async def test_a_system_message_needs_no_membership_and_is_sent_once(rest: Rest) -> None:
    server, (ann, bob, room) = await rest.key("messages", "users"), await friends(rest)
    await server.ask("PUT", "/server/users", {"users": [{"id": SYSTEM_USER_ID, "handle": "Parley"}]})
    first = await say(server, room, clientId="c1", data={"kind": "paid"})
    assert (await say(server, room, 200, clientId="c1"))["id"] == first["id"]
    assert (first["senderId"], first["senderHandle"], first["data"]) == (SYSTEM_USER_ID, "Parley", {"kind": "paid"})

    assert (await ann.send(room, "after"))["seq"] == 2
    [conversation] = (await bob.get("/api/conversations"))["conversations"]
    assert (conversation["unreadCount"], conversation["lastSeq"]) == (2, 2)
    assert [one["text"] for one in (await bob.get(f"/api/conversations/{room}/messages"))["messages"]] == [
        "hello", "after",
    ]  # fmt: skip
    unread = await server.ask("GET", f"/server/users/{bob.id}/unread")
    assert unread == {"messages": 2, "mentions": 0, "conversations": 1, "badge": 2}
    await server.ask("GET", f"/server/users/{new_id()}/unread", status=404)


async def test_the_same_client_id_at_the_same_instant_is_sent_once_and_burns_no_seq(rest: Rest) -> None:
    server, (ann, _, room) = await rest.key("messages"), await friends(rest)
    for silent in (False, True):
        fields = {"kind": "user", "senderId": ann.id} if silent else {}
        body = {"clientId": f"c{silent}", "text": "x", "kind": "system", "push": not silent, **fields}
        sends = (rest.http.post(f"{ROOMS}/{room}/messages", json=body, headers=auth(server)) for _ in range(6))
        answers = await asyncio.gather(*sends)
        assert sorted(answer.status for answer in answers) == [200] * 5 + [201]
    assert (await say(server, room))["seq"] == 3


async def test_a_message_for_a_user_is_theirs_and_wants_their_membership(rest: Rest) -> None:
    server, (ann, bob, room) = await rest.key("messages"), await friends(rest)
    sent = await say(server, room, kind="user", senderId=ann.id.upper())
    assert (sent["senderId"], sent["senderHandle"]) == (ann.id, "ann")
    reply = await say(server, room, kind="user", senderId=bob.id, replyTo=sent["id"], push=False)
    assert reply["replyTo"] == sent["id"]
    assert await rest.parts.pool.fetchval("SELECT silent FROM messages WHERE id = $1", reply["id"])
    assert [one["readSeq"] for one in (await bob.get("/api/conversations"))["conversations"]] == [2]

    for push in (True, False):
        await say(server, room, 403, kind="user", senderId=new_id(), push=push)
        await say(server, room, 400, kind="user", senderId=ann.id, replyTo=new_id(), push=push)
    await say(server, new_id(), 403, kind="user", senderId=ann.id)
    await say(server, new_id(), 404)
    for wrong in (
        {"kind": "user"}, {"senderId": ann.id}, {"text": " "}, {"text": "x" * 8001}, {"clientId": ""},
        {"clientId": "call:1"}, {"kind": "bot"}, {"data": "x" * 2048}, {"mediaUrl": "javascript:1"},
    ):  # fmt: skip
        await say(server, room, 400, **wrong)


async def test_no_phone_is_pushed_for_a_silent_message(rest: Rest) -> None:
    server, (_, bob, room) = await rest.key("messages"), await friends(rest)
    messages = [await say(server, room, push=push) for push in (True, False)]
    addressees = [
        {"conversationId": room, "messageId": one["id"], "users": [bob.id], "cause": "offline"} for one in messages
    ]
    told = await rest.ask_internal("/internal/push/targets", {"addressees": addressees})
    assert [target["messageId"] for target in told["targets"]] == [messages[0]["id"]]


async def test_the_log_tells_every_event_in_order_and_an_opaque_message_by_its_ids(rest: Rest) -> None:
    server, (ann, bob, room) = await rest.key("messages:read"), await friends(rest)
    sent = await ann.send(room, "one")
    await ann.send(room, "sealed", opaque=True)
    await bob.ask("PUT", f"/api/conversations/{room}/messages/{sent['id']}/reactions/%F0%9F%91%8D")
    await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")

    path, told = f"{ROOMS}/{room}/events", []
    after: int | None = 0
    while after is not None:
        page = await server.ask("GET", f"{path}?after={after}&limit=2")
        told += page["events"]
        after = page["nextAfter"]
    assert [one["data"]["seq"] for one in told] == [1, 2, 3, 4]
    assert [one["type"] for one in told] == ["message.new", "message.new", "message.reaction", "message.deleted"]
    assert all(one["data"]["conversationId"] == room for one in told)
    assert told[0]["data"]["text"] == ""
    assert "text" not in told[1]["data"]
    assert (await server.ask("GET", f"{path}?after=4")) == {"events": [], "nextAfter": None}
    await server.ask("GET", f"{ROOMS}/{new_id()}/events", status=404)
    await server.ask("GET", f"{path}?after=x", status=400)


async def test_a_long_text_is_cut_in_what_is_told(rest: Rest) -> None:
    server, (ann, _, room) = await rest.key("messages:read"), await friends(rest)
    text = "é😀" * 4000
    await ann.send(room, text)

    [told] = (await server.ask("GET", f"{ROOMS}/{room}/events"))["events"]
    assert told["data"]["truncated"] is True
    assert text.startswith(told["data"]["text"])
    assert len(told["data"]["text"].encode()) > 15_000


async def test_who_is_online_is_told_of_anybody_and_an_event_is_said_to_nobody_who_is_not_there(rest: Rest) -> None:
    server, (ann, _, room) = await rest.key("messages", "users:read"), await friends(rest)
    told = await server.ask("GET", f"/server/presence?userIds={ann.id},{new_id()}")
    assert [one["isOnline"] for one in told["presence"]] == [False, False]
    await server.ask("GET", "/server/presence?userIds=x", status=400)

    await server.ask("POST", f"{ROOMS}/{room}/event", {"name": "order", "data": {"n": 1}})
    await server.ask("POST", f"{ROOMS}/{new_id()}/event", {"name": "order"}, 404)
    await server.ask("POST", f"{ROOMS}/{room}/event", {"name": "order", "data": "x" * 2048}, 400)
    await server.ask("POST", f"{ROOMS}/{room}/event", {"name": ""}, 400)


async def test_people_come_into_a_group_and_go_as_the_server_says(rest: Rest) -> None:
    server, (ann, bob, cat) = await rest.key("conversations"), (rest.person(), rest.person("bob"), rest.person("cat"))
    room = await room_of(server, ann.id, bob.id, isGroup=True, createdBy=ann.id)
    members = f"{ROOMS}/{room}/members"

    changed = await server.ask("PUT", members, {"add": [cat.id, ann.id], "remove": [bob.id, new_id()]})
    assert (changed["added"], changed["removed"]) == ([cat.id], [bob.id])
    assert [one["id"] for one in (await cat.get("/api/conversations"))["conversations"]] == [room]
    await bob.get(f"/api/conversations/{room}", 403)
    assert (await server.ask("POST", members, {"userIds": [bob.id], "history": "all"}))["added"] == [bob.id]
    for _ in range(2):
        await server.ask("DELETE", f"{members}/{bob.id}")
    assert await server.ask("PUT", members, {}) == {"added": [], "removed": [], "success": True}
    direct = await room_of(server, new_id(), new_id())
    assert (await server.ask("PUT", f"{ROOMS}/{direct}/members", {"add": [cat.id]}, 409))["code"] == "not_a_group"
    await server.ask("PUT", f"{ROOMS}/{new_id()}/members", {"add": [cat.id]}, 404)
    await server.ask("PUT", members, {"add": ["cat"]}, 400)
