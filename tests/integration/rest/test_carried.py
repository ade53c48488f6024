"""What a message carries beside its text: mentions, forwards, previews; and who may send what."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_attachments import ready, sees
from tests.integration.rest.test_touches import log_of, of, one, patch, two

Json = Any
EVERYBODY = "00000000-0000-0000-0000-000000000000"


async def listed(person: Person, room: str) -> Json:
    return (await person.get(f"/api/conversations/{room}"))["conversation"]


async def synced(person: Person, room: str) -> Json:
    return (await person.post("/api/sync", {"conversations": {room: 0}}))["conversations"][room]


async def counts(person: Person, room: str) -> tuple[int, int]:
    """Unread, and of these those that mention the person: the same in the list and in a sync."""
    listed_now, synced_now = await listed(person, room), await synced(person, room)
    found = listed_now["unreadCount"], listed_now["mentionCount"]
    assert found == (synced_now["unreadCount"], synced_now["mentionCount"])
    return found


async def crowd(rest: Rest, owner: Person, *named: Person, others: int) -> str:
    """A group of the owner, these, and so many whom nobody knows."""
    body = {"participantIds": [*(one.id for one in named), *(new_id() for _ in range(others))], "isGroup": True}
    return str((await owner.post("/api/conversations", body, 201))["conversation"]["id"])


async def test_mentions_are_cut_to_who_is_there_and_counted_for_who_is_meant(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    room = await ann.start(bob, eve, isGroup=True)

    sent = await ann.send(room, "hey", mentions=[bob.id.upper(), new_id(), bob.id])
    await ann.send(room, "you two", mentions=[eve.id, bob.id])
    await ann.send(room, "nobody", mentions=[new_id()])

    assert sent["mentions"] == [bob.id]
    assert (await counts(bob, room), await counts(eve, room)) == ((3, 2), (3, 1))
    assert await counts(ann, room) == (0, 0)
    page = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert [message["mentions"] for message in page] == [[bob.id], [eve.id, bob.id], []]
    frames = await log_of(bob, room)
    assert [frame.get("mentions") for frame in frames] == [[bob.id], [eve.id, bob.id], None]


async def test_all_is_given_back_as_all_and_counted_for_everybody(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob, rest.person("eve"), isGroup=True)

    sent = await ann.send(room, "everybody", mentions="all")

    assert sent["mentions"] == "all"
    assert (await one(bob, room))["mentions"] == "all"
    assert [frame["mentions"] for frame in await log_of(bob, room)] == ["all"]
    assert (await counts(bob, room), await counts(ann, room)) == ((1, 1), (0, 0))


async def test_in_a_large_group_only_its_owner_mentions_all(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    small, large = await crowd(rest, ann, bob, others=48), await crowd(rest, ann, bob, others=49)

    refused = await bob.send(large, "everybody", status=403, mentions="all")
    await bob.send(small, "everybody", mentions="all")
    await ann.send(large, "everybody", mentions="all")
    mine = await bob.send(large, "one", mentions=[ann.id])

    assert refused["code"] == "not_allowed"
    assert (await patch(bob, of(large, mine), {"mentions": "all"}, 403))["code"] == "not_allowed"
    assert (await counts(bob, large))[0] == 0


async def test_what_is_no_mention_is_malformed(rest: Rest) -> None:
    ann, _, room = await two(rest)

    for wrong in ("everybody", ["all"], [new_id()] * 51, 7, [1]):
        assert (await ann.send(room, "x", status=400, mentions=wrong))["code"] == "malformed"
    assert (await ann.send(room, "x", mentions=None))["mentions"] == []


async def test_an_edit_shows_and_counts_mentions_and_a_deletion_erases_them(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "hey", mentions=[bob.id])

    taken = await patch(ann, of(room, sent), {"mentions": []})
    without = await counts(bob, room)
    again = await patch(ann, of(room, sent), {"mentions": [new_id()]})
    back = await patch(ann, of(room, sent), {"mentions": [bob.id], "text": "hey you"})
    kept = await patch(ann, of(room, sent), {"text": "hey you there"})
    last = (await log_of(bob, room))[-1]

    assert (taken["message"]["mentions"], without) == ([], (1, 0))
    assert again == taken
    assert (back["message"]["mentions"], kept["message"]["mentions"]) == ([bob.id], [bob.id])
    assert (last["type"], last["mentions"]) == ("message.edited", [bob.id])
    assert await counts(bob, room) == (1, 1)
    await ann.delete(of(room, sent))
    assert await counts(bob, room) == (0, 0)
    assert (await one(bob, room))["mentions"] == []
    assert [frame.get("mentions") for frame in await log_of(bob, room)] == [None] * 5
    stored = await rest.parts.pool.fetchrow("SELECT mentions, notified, extra FROM messages WHERE id = $1", sent["id"])
    assert tuple(stored or ()) == (None, None, None)


async def test_a_message_that_is_read_or_hidden_mentions_nobody_any_more(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    first = await ann.send(room, "one", mentions=[bob.id])
    second = await ann.send(room, "two", mentions="all")

    await bob.delete(of(room, second) + "?for=me")
    assert await counts(bob, room) == (1, 1)
    await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [first["id"]], "status": "read"})
    assert await counts(bob, room) == (0, 0)


async def test_a_forward_copies_the_text_and_file_and_says_only_who_wrote_them(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    eve = rest.person("eve")
    other, third = await bob.start(eve), await eve.start(ann, isGroup=True)
    source = await ann.send(room, "the words", mediaUrl="https://x.example/a.png", data={"a": 1}, mentions=[bob.id])
    forward = {"conversationId": room.upper(), "messageId": source["id"].upper()}

    sent = await bob.send(other, "", forward=forward, data={"b": 2})
    again = await eve.send(third, "mine is not looked at", forward={"conversationId": other, "messageId": sent["id"]})

    assert (sent["text"], sent["mediaUrl"], sent["data"]) == ("the words", "https://x.example/a.png", {"b": 2})
    assert (sent["forwarded"], sent["mentions"], sent["senderId"]) == ({"senderId": ann.id}, [], bob.id)
    assert (again["text"], again["forwarded"]) == ("the words", {"senderId": ann.id})
    [frame] = await log_of(eve, other)
    assert frame["forwarded"] == {"senderId": ann.id}
    assert room not in str(frame)
    assert (await patch(bob, of(other, sent), {"text": "other words"}, 403))["code"] == "not_allowed"


async def test_a_forward_wants_a_source_that_its_sender_sees(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    eve = rest.person("eve")
    other = await bob.start(eve)
    source = await ann.send(room, "the words")
    hidden, gone = await ann.send(room, "hidden"), await ann.send(room, "gone")
    await bob.delete(of(room, hidden) + "?for=me")
    await ann.delete(of(room, gone))

    async def forwarded(person: Person, message_id: str, status: int, **fields: Any) -> Json:
        forward = {"conversationId": room, "messageId": message_id}
        return await person.send(other, "", status=status, forward=forward, **fields)

    assert (await forwarded(eve, source["id"], 403))["code"] == "forbidden"
    assert (await forwarded(bob, new_id(), 404))["code"] == "no_such_message"
    assert (await forwarded(bob, hidden["id"], 404))["code"] == "no_such_message"
    assert (await forwarded(bob, gone["id"], 409))["code"] == "deleted"
    first = await forwarded(bob, source["id"], 201, clientId="one")
    await ann.delete(of(room, source))
    assert (await forwarded(bob, source["id"], 409))["code"] == "deleted"
    assert (await forwarded(bob, source["id"], 200, clientId="one"))["id"] == first["id"]
    await bob.delete(f"/api/conversations/{room}")
    assert (await forwarded(bob, source["id"], 404))["code"] == "no_such_message"
    assert [message["text"] for message in (await eve.get(f"/api/conversations/{other}/messages"))["messages"]] == [
        "the words"
    ]


async def test_a_preview_is_what_the_sender_says_on_one_line_each(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    given = {"url": "https://x.example/", "title": " A\u202e title\n", "description": "", "more": 1}

    sent = await ann.send(room, "look", preview=given)

    assert sent["preview"] == {"url": "https://x.example/", "title": "A title", "description": None}
    assert (await one(bob, room))["preview"] == sent["preview"]
    assert (await log_of(bob, room))[0]["preview"] == sent["preview"]
    await ann.delete(of(room, sent))
    assert (await one(bob, room))["preview"] is None


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"preview": {"url": "ftp://x.example/"}}, "preview.url"),
        ({"preview": {"title": "no url"}}, "preview.url"),
        ({"preview": {"url": "https://x.example/", "title": "x" * 201}}, "preview.title"),
        ({"preview": {"url": "https://x.example/", "description": "x" * 501}}, "preview.description"),
        ({"preview": {"url": "https://x.example/" + "x" * 2048}}, "preview.url"),
        ({"expiresIn": 0}, "expiresIn"),
        ({"expiresIn": 7_776_001}, "expiresIn"),
        ({"forward": {"conversationId": "x", "messageId": new_id()}}, "forward.conversationId"),
        ({"forward": {"messageId": new_id()}}, "forward.conversationId"),
        ({"clientId": "scheduled:1"}, "clientId"),
    ],
)
async def test_what_a_message_may_not_carry_is_named(rest: Rest, fields: Json, at: str) -> None:
    ann, _, room = await two(rest)

    assert (await ann.send(room, "x", status=400, **fields))["field"] == at


async def test_what_carries_nothing_is_sent_by_the_plain_statement(rest: Rest) -> None:
    ann, _, room = await two(rest)
    sent = await ann.send(room, "x", mentions=None, forward=None, preview=None, expiresIn=None)

    stored = await rest.parts.pool.fetchrow(
        "SELECT m.mentions, m.extra, m.expires_at, c.has_mentions, c.expired_xid FROM messages m"
        " JOIN conversations c ON c.id = m.conversation_id WHERE m.id = $1",
        sent["id"],
    )
    assert tuple(stored or ()) == (None,) * 5


async def test_a_forward_of_a_message_with_files_holds_files_of_its_own(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    eve = rest.person("eve")
    other = await bob.start(eve)
    file = await ready(rest, ann, room)
    source = await ann.send(room, "", attachments=[file["id"]])
    worded = await ann.send(room, "words", attachments=[(await ready(rest, ann, room))["id"]])

    async def forwarded(message: Json, person: Person = bob, status: int = 201, **fields: Any) -> Json:
        forward = {"conversationId": room, "messageId": message["id"]}
        return await person.send(other, "", status=status, forward=forward, **fields)

    sent, second = await forwarded(source, clientId="c1"), await forwarded(worded)
    again = await forwarded(source, status=200, clientId="c1")

    [copy] = sent["attachments"]
    assert copy["id"] != file["id"]
    assert (sent["text"], sent["placeholder"]) == (source["text"], True)
    assert (second["text"], second["placeholder"], len(second["attachments"])) == ("words", False, 1)
    assert sent["mediaUrl"].endswith(f"/api/attachments/{copy['id']}")
    assert sent["forwarded"] == {"senderId": ann.id}
    assert again["id"] == sent["id"]
    assert await sees(rest, eve, copy)
    assert not await sees(rest, eve, file)
    assert (await forwarded(source, eve, 403))["code"] == "forbidden"
    await ann.delete(of(room, source))
    assert await sees(rest, eve, copy)
    assert (await forwarded(source, status=409))["code"] == "deleted"
    assert await rest.parts.pool.fetchval("SELECT count(*) FROM attachments") == 3, "what was refused leaves none"
