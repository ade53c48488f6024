"""Editing, deleting, reacting, pinning: what each caller is told, and what everybody sees afterwards."""

from typing import Any
from urllib.parse import quote

import orjson

from tests.integration.rest.conftest import Person, Rest

Json = Any


async def patch(person: Person, path: str, body: Json, status: int = 200) -> Json:
    response = await person.ask("PATCH", path, data=orjson.dumps(body))
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def put(person: Person, path: str, status: int = 200) -> Json:
    response = await person.ask("PUT", path)
    answer = await response.json()
    assert response.status == status, answer
    return answer


def of(room: str, message: Json, rest: str = "") -> str:
    return f"/api/conversations/{room}/messages/{message['id']}{rest}"


def reaction(room: str, message: Json, emoji: str) -> str:
    return of(room, message, f"/reactions/{quote(emoji)}")


async def one(person: Person, room: str) -> Json:
    """The newest message as this person sees it."""
    return (await person.get(f"/api/conversations/{room}/messages"))["messages"][-1]


async def log_of(person: Person, room: str) -> list[Json]:
    synced = await person.post("/api/sync", {"conversations": {room: 0}})
    return list(synced["conversations"][room]["events"])


async def two(rest: Rest) -> tuple[Person, Person, str]:
    ann, bob = rest.person("ann"), rest.person("bob")
    return ann, bob, await ann.start(bob)


async def test_an_edit_replaces_what_everybody_reads_and_is_told_once(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "frist", data={"a": 1})

    edited = await patch(ann, of(room, sent), {"text": " first "})
    again = await patch(ann, of(room, sent), {"text": "first"})

    message = edited["message"]
    assert (message["text"], message["rev"], message["data"], edited["asOfSeq"]) == ("first", 2, {"a": 1}, 2)
    assert message["editedAt"] == message["updatedAt"] >= message["createdAt"]
    assert again == edited
    assert (await one(bob, room))["text"] == "first"
    news, edit = await log_of(bob, room)
    assert (news["type"], news["text"], news["rev"]) == ("message.new", "first", 2)
    assert (edit["type"], edit["seq"], edit["messageSeq"], edit["text"]) == ("message.edited", 2, 1, "first")
    assert (edit["messageId"], edit["senderId"], edit["data"]) == (sent["id"], ann.id, {"a": 1})


async def test_who_may_not_edit_is_told_why(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    stranger = rest.person("eve")
    sent = await ann.send(room, "mine")
    other = await bob.start(ann, isGroup=True)

    assert (await patch(bob, of(room, sent), {"text": "x"}, 403))["code"] == "not_allowed"
    assert (await patch(stranger, of(room, sent), {"text": "x"}, 403))["code"] == "forbidden"
    assert (await patch(ann, of(other, sent), {"text": "x"}, 404))["code"] == "no_such_message"
    assert (await patch(ann, of(room, sent), {"text": " \u200b "}, 400))["field"] == "text"
    assert (await patch(ann, of(room, sent), {"text": "x" * 8001}, 400))["field"] == "text"
    assert (await patch(ann, of(room, sent), {"data": "x" * 2047}, 400))["field"] == "data"
    assert (await patch(ann, of(room, sent), {"text": None, "data": None}))["message"]["rev"] == 1
    await rest.parts.pool.execute("UPDATE messages SET created_at = now() - interval '86401 s'")
    assert (await patch(ann, of(room, sent), {"text": "x"}, 403))["code"] == "too_late"
    assert len(await log_of(ann, room)) == 1


async def test_an_edit_of_what_changed_meanwhile_is_answered_with_how_it_stands(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "one")
    await patch(ann, of(room, sent), {"text": "two", "ifRev": 1})
    await put(bob, reaction(room, sent, "👍"))

    refused = await patch(ann, of(room, sent), {"text": "three", "ifRev": 2}, 409)

    assert (refused["code"], refused["message"]["text"], refused["message"]["rev"]) == ("changed", "two", 3)
    assert refused["asOfSeq"] == 3
    assert refused["message"]["reactions"] == [{"emoji": "👍", "count": 1, "mine": False}]
    assert (await patch(ann, of(room, sent), {"text": "two", "ifRev": 1}))["message"]["rev"] == 3
    assert (await patch(ann, of(room, sent), {"text": "three", "ifRev": 3}))["message"]["rev"] == 4


async def test_what_a_message_said_before_is_kept_bounded_and_for_its_author(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "0")
    for number in range(1, 52):
        await patch(ann, of(room, sent), {"text": str(number)})
    edited = (await patch(ann, of(room, sent), {"text": "52"}))["message"]
    await patch(ann, of(room, sent), {"data": [1]})

    kept = (await ann.get(of(room, sent, "/edits")))["edits"]

    assert [one["text"] for one in kept] == [str(number) for number in range(2, 52)]
    assert sent["createdAt"] < kept[0]["createdAt"] < kept[-1]["createdAt"] < edited["editedAt"]
    assert (await bob.get(of(room, sent, "/edits"), 403))["code"] == "not_allowed"
    await ann.delete(of(room, sent))
    assert (await ann.get(of(room, sent, "/edits")))["edits"] == []


async def test_a_deletion_leaves_a_tombstone_and_nothing_else_anywhere(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    first = await ann.send(room, "first")
    sent = await bob.send(room, "SECRET-1", mediaUrl="https://a.example/SECRET", data="SECRET", replyTo=first["id"])
    await patch(bob, of(room, sent), {"text": "SECRET-2"})
    await put(ann, reaction(room, sent, "🤐"))
    await put(ann, of(room, sent, "/pin"))
    answer = await ann.send(room, "what?", replyTo=sent["id"])

    await bob.delete(of(room, sent))
    await bob.delete(of(room, sent))

    page = (await ann.get(f"/api/conversations/{room}/messages"))["messages"]
    stone = page[1]
    assert (stone["id"], stone["text"], stone["replyTo"], stone["seq"]) == (sent["id"], "", first["id"], 2)
    assert (stone["deletedBy"], stone["by"], stone["isPinned"], stone["reactions"]) == (bob.id, "author", False, [])
    assert (stone["data"], stone["mediaUrl"], stone["editedAt"], stone["rev"]) == (None, None, None, 7)
    assert page[2]["replyTo"] == answer["replyTo"] == sent["id"]
    events = await log_of(ann, room)
    assert [event["type"].partition(".")[2] for event in events] == [
        "new", "new", "edited", "reaction", "pinned", "new", "deleted",
    ]  # fmt: skip
    gone = {key: events[-1][key] for key in ("messageId", "messageSeq", "deletedBy", "by", "senderId")}
    assert gone == {"messageId": sent["id"], "messageSeq": 2, "deletedBy": bob.id, "by": "author", "senderId": bob.id}
    assert (events[3]["emoji"], events[3]["on"], events[3]["count"]) == ("", False, 0)
    told = orjson.dumps([page, events]).decode()
    assert "SECRET" not in told
    assert "🤐" not in told


async def test_nothing_happens_to_a_deleted_message_any_more(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "gone soon")
    await ann.delete(of(room, sent))

    assert (await patch(ann, of(room, sent), {"text": "x"}, 409))["code"] == "deleted"
    assert (await put(bob, reaction(room, sent, "👍"), 409))["code"] == "deleted"
    assert (await put(bob, of(room, sent, "/pin"), 409))["code"] == "deleted"
    assert (await bob.delete(of(room, sent), 403))["code"] == "not_allowed"
    retried = await ann.post(f"/api/conversations/{room}/messages", {"text": "still here", "replyTo": sent["id"]}, 201)
    assert retried["message"]["replyTo"] == sent["id"]


async def test_a_groups_owner_deletes_and_pins_what_others_may_not(rest: Rest) -> None:
    ann, bob, carl = (rest.person(name) for name in ("ann", "bob", "carl"))
    room = await ann.start(bob, carl)
    of_bob, of_ann = await bob.send(room, "b"), await ann.send(room, "a")

    assert (await carl.delete(of(room, of_bob), 403))["code"] == "not_allowed"
    assert (await bob.delete(of(room, of_ann), 403))["code"] == "not_allowed"
    assert (await put(bob, of(room, of_bob, "/pin"), 403))["code"] == "not_allowed"
    assert await put(ann, of(room, of_bob, "/pin")) == {"rev": 3, "success": True}
    assert await put(ann, of(room, of_bob, "/pin")) == {"rev": 3, "success": True}
    await ann.delete(of(room, of_bob))
    assert (await one(bob, room))["text"] == "a"
    [stone, _] = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert (stone["by"], stone["deletedBy"]) == ("admin", ann.id)


async def test_deleted_for_oneself_is_hidden_from_oneself_alone(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent, later = await ann.send(room, "SECRET"), await ann.send(room, "later")
    await patch(ann, of(room, sent), {"text": "SECRET too"})
    as_of = (await bob.post("/api/sync", {"conversations": {room: 3}}))["asOf"]

    await bob.delete(of(room, sent, "?for=me"))
    await bob.delete(of(room, sent, "?for=me"))

    page = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert page[0] == {"id": sent["id"], "seq": 1, "hidden": True}
    assert (page[1]["id"], len(page)) == (later["id"], 2)
    news, _, edited = await log_of(bob, room)
    assert {key: news[key] for key in ("type", "seq", "text", "hidden", "messageId")} == {
        "type": "message.new", "seq": 1, "text": "", "hidden": True, "messageId": sent["id"],
    }  # fmt: skip
    assert "SECRET" not in str(edited)
    synced = await bob.post("/api/sync", {"conversations": {room: 3}, "asOf": as_of})
    assert synced["conversations"][room]["hidden"] == [sent["id"]]
    assert synced["conversations"][room]["unreadCount"] == 1
    assert (await bob.get(f"/api/conversations/{room}"))["conversation"]["unreadCount"] == 1
    compact = (await bob.post("/api/sync", {"conversations": {room: 0}, "compact": True}))["conversations"][room]
    assert [event["seq"] for event in compact["events"]] == [2]
    assert (await one(ann, room))["text"] == "later"
    [listed, _] = (await ann.get(f"/api/conversations/{room}/messages"))["messages"]
    assert listed["text"] == "SECRET too"


async def test_unread_and_the_last_message_leave_out_what_is_deleted(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = [await ann.send(room, text) for text in ("one", "two", "three")]
    await put(bob, reaction(room, sent[0], "👍"))

    await ann.delete(of(room, sent[2]))
    await bob.delete(of(room, sent[1], "?for=me"))

    seen = (await bob.get(f"/api/conversations/{room}"))["conversation"]
    assert (seen["unreadCount"], seen["lastMessage"]["text"]) == (1, "one")
    own = (await ann.get(f"/api/conversations/{room}"))["conversation"]
    assert (own["unreadCount"], own["lastMessage"]["text"]) == (0, "two")
    await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [sent[2]["id"]], "status": "read"})
    assert (await bob.get(f"/api/conversations/{room}"))["conversation"]["unreadCount"] == 0


async def test_reactions_are_sets_and_state_how_many_there_are(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "hi")
    thumb = reaction(room, sent, "👍🏽")

    assert await put(bob, thumb) == {"reaction": {"emoji": "👍🏽", "count": 1, "mine": True}, "rev": 2}
    assert await put(bob, thumb) == {"reaction": {"emoji": "👍🏽", "count": 1, "mine": True}, "rev": 2}
    assert (await put(ann, thumb))["reaction"]["count"] == 2
    assert (await one(ann, room))["reactions"] == [{"emoji": "👍🏽", "count": 2, "mine": True}]
    assert (await bob.delete(thumb))["reaction"] == {"emoji": "👍🏽", "count": 1, "mine": False}
    assert (await bob.delete(thumb))["rev"] == 4
    events = await log_of(bob, room)
    assert [(event["on"], event["count"], event["senderId"]) for event in events[1:]] == [
        (True, 1, bob.id), (True, 2, ann.id), (False, 1, bob.id),
    ]  # fmt: skip
    assert events[0]["reactions"] == [{"emoji": "👍🏽", "count": 1}]
    assert (await one(bob, room))["reactions"] == [{"emoji": "👍🏽", "count": 1, "mine": False}]
    await ann.delete(thumb)
    assert (await one(bob, room))["reactions"] == []
    assert (await bob.get(f"/api/conversations/{room}"))["conversation"]["unreadCount"] == 1


async def test_reactions_have_bounds(rest: Rest) -> None:
    people = [rest.person(name) for name in ("ann", "bob", "carl")]
    ann, bob, carl = people
    room = await ann.start(bob, carl)
    sent = await ann.send(room, "hi")
    letters = "abcdefghijklmnopqrstu"
    for letter in letters[:10]:
        await put(ann, reaction(room, sent, letter))
    assert (await put(ann, reaction(room, sent, "z"), 409))["code"] == "limit"
    for letter in letters[10:20]:
        await put(bob, reaction(room, sent, letter))
    assert (await put(carl, reaction(room, sent, "z"), 409))["code"] == "limit"
    assert (await put(carl, reaction(room, sent, "a")))["reaction"]["count"] == 2
    for bad in (" ", "a b", "\u0001", "e\u0301", "x" * 33, "\u202e", "\u200d"):
        assert (await put(carl, reaction(room, sent, bad), 400))["field"] == "emoji"

    first = await carl.get(of(room, sent, "/reactions"), limit=2)
    rest_of = await carl.get(of(room, sent, "/reactions"), limit=100, cursor=first["nextCursor"])
    both = first["reactions"] + rest_of["reactions"]
    assert (len(first["reactions"]), len(both), rest_of["nextCursor"]) == (2, 21, None)
    assert {(one["emoji"], one["userId"]) for one in both} >= {("a", ann.id), ("a", carl.id), ("t", bob.id)}
    only = (await carl.get(of(room, sent, "/reactions"), emoji="a"))["reactions"]
    assert sorted(one["userId"] for one in only) == sorted([ann.id, carl.id])


async def test_pins_are_listed_and_bounded(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = [await ann.send(room, str(number)) for number in range(4)]
    for message in (sent[2], sent[0]):
        await put(bob, of(room, message, "/pin"))
    await rest.parts.pool.execute(
        "INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text, is_pinned)"
        " SELECT $1, -n, 0, now(), now(), gen_random_uuid(), $2, '', true FROM generate_series(1, 98) AS n",
        room,
        ann.id,
    )

    page = await ann.get(f"/api/conversations/{room}/messages", pinned="true")

    assert [message["id"] for message in page["messages"]] == [sent[0]["id"], sent[2]["id"]]
    assert (page["pagination"]["total"], page["asOfSeq"]) == (2, 6)
    assert (await put(ann, of(room, sent[1], "/pin"), 409))["code"] == "limit"
    await ann.delete(of(room, sent[0], "/pin"))
    assert [event["isPinned"] for event in (await log_of(bob, room))[4:]] == [True, True, False]


async def test_pages_lie_around_a_seq_and_hold_the_replies_to_a_message(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = [await ann.send(room, str(number)) for number in range(1, 10)]
    path = f"/api/conversations/{room}/messages"
    replies = [await bob.send(room, text, replyTo=sent[3]["id"]) for text in ("a", "b")]
    await bob.delete(of(room, replies[0]))

    async def around(seq: int, limit: int) -> list[int]:
        return [message["seq"] for message in (await ann.get(path, around=seq, limit=limit))["messages"]]

    assert await around(5, 4) == [3, 4, 5, 6]
    assert await around(1, 4) == [1, 2]
    assert await around(11, 4) == [9, 10, 11]
    assert await around(5, 1) == [5]
    whole = await ann.get(path, around=6, limit=100)
    assert (len(whole["messages"]), whole["pagination"]["hasMore"], whole["pagination"]["page"]) == (11, False, None)
    assert (await ann.get(path, around=6, limit=2))["pagination"]["hasMore"] is True
    found = await ann.get(path, replyTo=sent[3]["id"])
    assert [(message["seq"], message["text"]) for message in found["messages"]] == [(10, ""), (11, "b")]
    assert await around(5, 4) == [
        message["seq"] for message in (await ann.get(path, around=5, before=2, limit=4))["messages"]
    ]
    assert (await ann.get(path, replyTo=sent[3]["id"], pinned="true"))["messages"] == []
    await put(ann, of(room, replies[1], "/pin"))
    pinned = await ann.get(path, replyTo=sent[3]["id"], pinned="true")
    assert [message["seq"] for message in pinned["messages"]] == [11]


async def test_receipts_of_a_message_name_those_who_were_there(rest: Rest) -> None:
    ann, bob, carl = (rest.person(name) for name in ("ann", "bob", "carl"))
    room = await ann.start(bob, carl)
    sent = await ann.send(room, "hi")
    status = f"/api/conversations/{room}/messages/status"
    await bob.post(status, {"messageIds": [sent["id"]], "status": "read"})
    await carl.post(status, {"messageIds": [sent["id"]], "status": "delivered"})

    told = await bob.get(of(room, sent, "/receipts"))

    assert {one["userId"] for one in told["delivered"]} == {bob.id, carl.id}
    [read] = told["read"]
    assert (read["userId"], read["at"] >= sent["createdAt"]) == (bob.id, True)
    await rest.parts.pool.execute("UPDATE participants SET joined_seq = 1 WHERE user_id = $1", carl.id)
    assert [one["userId"] for one in (await ann.get(of(room, sent, "/receipts")))["delivered"]] == [bob.id]
    dora = rest.person("dora")
    await ann.post(f"/api/conversations/{room}/members", {"userIds": [dora.id], "history": "all"})
    assert (await dora.get(f"/api/conversations/{room}/messages"))["messages"][0]["id"] == sent["id"]
    assert [one["userId"] for one in (await ann.get(of(room, sent, "/receipts")))["delivered"]] == [bob.id]
    direct = await ann.start(bob)
    private = await ann.send(direct, "psst")
    assert (await bob.get(of(direct, private, "/receipts"), 403))["code"] == "not_allowed"
    assert await ann.get(of(direct, private, "/receipts")) == {"delivered": [], "read": []}


async def test_nothing_below_where_a_view_begins_can_be_touched(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "old")
    await bob.delete(f"/api/conversations/{room}")

    assert (await put(bob, reaction(room, sent, "👍"), 404))["code"] == "no_such_message"
    assert (await put(bob, of(room, sent, "/pin"), 404))["code"] == "no_such_message"
    assert (await bob.delete(of(room, sent, "?for=me"), 404))["code"] == "no_such_message"
    assert (await bob.get(of(room, sent, "/receipts"), 404))["code"] == "no_such_message"
    assert (await bob.send(room, "re", 400, replyTo=sent["id"]))["field"] == "replyTo"


async def test_the_servers_own_client_ids_are_refused_to_users(rest: Rest) -> None:
    ann, _, room = await two(rest)
    for client_id in ("scheduled:1", "call:1", "held:1"):
        assert (await ann.send(room, "x", 400, clientId=client_id))["field"] == "clientId"
    await ann.send(room, "x", clientId="rescheduled:1")
    assert (await ann.send(room, "x", 400, data={"a": "x" * 2048}))["field"] == "data"


async def test_a_compact_sync_tells_what_it_came_to(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = [await ann.send(room, str(number)) for number in range(3)]
    for emoji in "abc":
        await put(bob, reaction(room, sent[0], emoji))
        await put(ann, reaction(room, sent[1], emoji))
    await patch(ann, of(room, sent[2]), {"text": "SECRET"})
    await ann.delete(of(room, sent[2]))
    await ann.send(room, "new")
    await put(bob, reaction(room, await one(ann, room), "d"))

    async def compact(seq: int) -> Json:
        return (await bob.post("/api/sync", {"conversations": {room: seq}, "compact": True}))["conversations"][room]

    caught = await compact(3)
    assert [(event["seq"], event["type"]) for event in caught["events"]] == [
        (8, "message.edited"), (9, "message.edited"), (11, "message.deleted"), (12, "message.new"),
    ]  # fmt: skip
    first, second, third, fourth = caught["events"]
    assert first["reactions"] == [{"emoji": emoji, "count": 1, "mine": True} for emoji in "abc"]
    assert (first["messageId"], first["messageSeq"], first["rev"]) == (sent[0]["id"], 1, 8)
    assert [one["mine"] for one in second["reactions"]] == [False] * 3
    assert (third["messageSeq"], third["deletedBy"], third["by"]) == (3, ann.id, "author")
    assert (fourth["rev"], fourth["reactions"]) == (13, [{"emoji": "d", "count": 1, "mine": True}])
    assert (caught["firstSeq"], caught["lastSeq"], caught["asOfSeq"], caught["complete"]) == (4, 13, 13, True)
    assert [event["seq"] for event in (await compact(0))["events"]] == [1, 2, 3, 12]
    assert [event["seq"] for event in (await compact(12))["events"]] == [13]
    assert (await bob.post("/api/sync", {"conversations": {room: 13}, "compact": True}))["complete"]
