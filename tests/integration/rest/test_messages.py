import asyncio
import json
import re
from pathlib import Path
from typing import Any

from shared import wire
from shared.ids import new_id
from shared.keys import room
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually

INVISIBLE = json.loads((Path(__file__).parents[2] / "cases" / "invisible.json").read_text())
Json = dict[str, Any]
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def pair(rest: Rest) -> tuple[Person, Person, str]:
    ann, bob = rest.person("ann"), rest.person("bob")
    return ann, bob, await ann.start(bob)


def messages_of(conversation_id: str) -> str:
    return f"/api/conversations/{conversation_id}/messages"


async def test_a_sent_message_has_the_shape_of_the_contract_and_reaches_the_room(rest: Rest, redis_url: str) -> None:
    ann, _, conversation = await pair(rest)

    async with listening(redis_url, room(conversation)) as ear:
        sent = await ann.send(conversation, "  hello \n", clientId="c1", mediaUrl="https://a.example/1.png")
        await eventually(lambda: ear.seqs() == [1])

    assert ISO.fullmatch(sent["createdAt"])
    assert sent == {
        "id": sent["id"],
        "conversationId": conversation,
        "seq": 1,
        "senderId": ann.id,
        "senderHandle": "ann",
        "text": "hello",
        "createdAt": sent["createdAt"],
        "updatedAt": sent["createdAt"],
        "clientId": "c1",
        "replyTo": None,
        "mediaUrl": "https://a.example/1.png",
        "opaque": False,
        "isPinned": False,
        "status": "sent",
        "rev": 1,
        "editedAt": None,
        "deletedAt": None,
        "deletedBy": None,
        "by": None,
        "reactions": [],
        "data": None,
        "mentions": [],
        "forwarded": None,
        "preview": None,
        "expiresAt": None,
        "attachments": [],
        "placeholder": False,
    }
    [frame] = ear.frames(wire.Kind.DURABLE)
    assert (frame["messageId"], frame["text"]) == (sent["id"], "hello")


async def test_a_retry_with_the_same_client_id_gives_the_first_message_and_sends_nothing(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)
    first = await ann.send(conversation, "once", clientId="c1")

    again = await ann.send(conversation, "twice", 200, clientId="c1")

    assert again == first
    assert (await ann.get(messages_of(conversation)))["pagination"]["total"] == 1


async def test_many_retries_at_the_same_instant_send_one_message(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    answers = await asyncio.gather(
        *(ann.ask("POST", messages_of(conversation), json={"text": "x", "clientId": "c"}) for _ in range(12))
    )

    assert sorted(answer.status for answer in answers) == [200] * 11 + [201]
    assert len({(await answer.json())["message"]["id"] for answer in answers}) == 1


async def test_a_reply_names_a_message_of_the_same_conversation(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    elsewhere = await ann.start(bob, bountyId="other")
    foreign = await ann.send(elsewhere, "elsewhere")
    first = await ann.send(conversation, "first")

    reply = await bob.send(conversation, "yes", replyTo=first["id"].upper())
    refused = await bob.send(conversation, "no", 400, replyTo=foreign["id"])

    assert reply["replyTo"] == first["id"]
    assert refused["field"] == "replyTo"


async def test_a_text_may_have_eight_thousand_characters_after_trimming(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    sent = await ann.send(conversation, "  " + "😀" * 8000 + "  ")
    refused = await ann.send(conversation, "x" * 8001, 400)

    assert len(sent["text"]) == 8000
    assert refused["field"] == "text"


async def test_a_blank_text_is_refused(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    for text in ("", "   ", "\n\t\u3000"):
        assert (await ann.send(conversation, text, 400))["field"] == "text"


async def test_pages_count_from_the_newest_and_are_oldest_first(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    for number in range(1, 6):
        await ann.send(conversation, str(number))

    first = await bob.get(messages_of(conversation), page=1, limit=2)
    last = await bob.get(messages_of(conversation), page=3, limit=2)
    past = await bob.get(messages_of(conversation), page=4, limit=2)

    assert [one["text"] for one in first["messages"]] == ["4", "5"]
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 5, "hasMore": True}
    assert [one["text"] for one in last["messages"]] == ["1"]
    assert last["pagination"] == {"page": 3, "limit": 2, "total": 5, "hasMore": False}
    assert past["messages"] == []


async def test_keyset_pages_lie_right_before_after_or_between_seqs(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    for number in range(1, 8):
        await ann.send(conversation, str(number))

    async def seqs(**query: int) -> tuple[list[int], bool]:
        found = await bob.get(messages_of(conversation), **query)
        return [one["seq"] for one in found["messages"]], found["pagination"]["hasMore"]

    assert await seqs(before=5, limit=2) == ([3, 4], True)
    assert await seqs(before=3, limit=2) == ([1, 2], False)
    assert await seqs(after=5, limit=2) == ([6, 7], False)
    assert await seqs(after=2, limit=2) == ([3, 4], True)
    assert await seqs(after=2, before=5, limit=2) == ([3, 4], False)
    assert await seqs(after=2, before=6, limit=2) == ([3, 4], True)
    assert await seqs(after=2, before=4, limit=9) == ([3], False)
    assert await seqs(after=7) == ([], False)


async def test_a_page_holds_at_most_a_hundred(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    assert (await ann.get(messages_of(conversation)))["pagination"]["limit"] == 50
    assert (await ann.get(messages_of(conversation), limit=1000))["pagination"]["limit"] == 100


async def test_status_goes_from_sent_to_delivered_to_read_once_every_other_has_it(rest: Rest, redis_url: str) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    conversation = await ann.start(bob, eve)
    first, second = await ann.send(conversation, "1"), await ann.send(conversation, "2")

    async def statuses() -> list[str]:
        return [one["status"] for one in (await ann.get(messages_of(conversation)))["messages"]]

    async def report(who: Person, message: str, status: str) -> dict[str, object]:
        path = f"{messages_of(conversation)}/status"
        return dict(await who.post(path, {"messageIds": [message, new_id()], "status": status}))

    async with listening(redis_url, room(conversation)) as ear:
        assert await report(bob, second["id"], "delivered") == {"success": True, "updatedCount": 1}
        assert await statuses() == ["sent", "sent"]
        await report(eve, second["id"], "read")
        assert await statuses() == ["delivered", "delivered"]
        await report(bob, first["id"], "read")
        assert await statuses() == ["read", "delivered"]
        await eventually(lambda: len(ear.of(wire.Kind.RECEIPT)) == 3)

    told = [(one["type"], one["senderId"], one["senderHandle"], one["seq"]) for one in ear.frames(wire.Kind.RECEIPT)]
    assert told == [
        ("message.delivered", bob.id, "bob", 2),
        ("message.read", eve.id, "eve", 2),
        ("message.read", bob.id, "bob", 1),
    ]


async def test_reading_takes_messages_out_of_the_unread_count(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    first = await ann.send(conversation, "1")
    await ann.send(conversation, "2")

    async def unread(who: Person) -> int:
        return int((await who.get("/api/conversations"))["conversations"][0]["unreadCount"])

    assert (await unread(ann), await unread(bob)) == (0, 2)
    await bob.post(f"{messages_of(conversation)}/status", {"messageIds": [first["id"]], "status": "read"})
    assert await unread(bob) == 1


async def test_a_report_names_at_least_one_message(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    refused = await ann.post(f"{messages_of(conversation)}/status", {"messageIds": [], "status": "read"}, 400)

    assert refused["field"] == "messageIds"


async def test_a_report_names_as_many_messages_as_a_body_holds(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    sent = await ann.send(conversation, "read me")

    named = [sent["id"], *(new_id() for _ in range(1600))]
    told = await bob.post(f"{messages_of(conversation)}/status", {"messageIds": named, "status": "read"})
    assert told == {"success": True, "updatedCount": 1}


async def test_sync_brings_a_client_exactly_up_to_date(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    other = await ann.start(bob, bountyId=1)
    for number in range(3):
        await ann.send(conversation, str(number))
    everything = await bob.post("/api/sync", {"conversations": {}})

    await ann.send(conversation, "new")
    await ann.post("/api/conversations", {"participantIds": [bob.id], "bountyId": 2}, 201)
    await bob.delete(f"/api/conversations/{other}")
    news = await bob.post(
        "/api/sync", {"conversations": {conversation.upper(): 3, other: 0, new_id(): 5}, "asOf": everything["asOf"]}
    )

    assert everything["complete"]
    assert [event["text"] for event in everything["conversations"][conversation]["events"]] == ["0", "1", "2"]
    caught = news["conversations"][conversation]
    assert [event["text"] for event in caught["events"]] == ["new"]
    assert (caught["firstSeq"], caught["lastSeq"], caught["complete"], caught["unreadCount"]) == (4, 4, True, 4)
    assert other in news["left"]
    assert len(news["left"]) == 2
    assert news["epoch"] == everything["epoch"]


async def test_sync_takes_a_body_of_a_megabyte(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)
    known = {new_id(): 1 for _ in range(20_000)}

    answer = await ann.post("/api/sync", {"conversations": {**known, conversation: 0}})
    refused = await ann.post("/api/sync", {"conversations": {**known, **{new_id(): 1 for _ in range(20_000)}}}, 413)

    assert len(answer["left"]) == 20_000
    assert refused["code"] == "too_large"


async def test_a_text_that_shows_nothing_is_refused_like_a_blank_one(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    for text in INVISIBLE["texts_that_show_nothing"]:
        assert (await ann.send(conversation, text, 400))["field"] == "text", ascii(text)


async def test_a_text_holds_tabs_line_breaks_and_directions_but_no_other_control(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)
    allowed = "a\tb\nc \u2067שלום\u2069 \u200fd"

    assert (await ann.send(conversation, allowed))["text"] == allowed
    assert (await ann.send(conversation, "two\r\nlines"))["text"] == "two\nlines"
    for code in (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)):
        assert (await ann.send(conversation, f"a{chr(code)}b", 400))["field"] == "text", hex(code)


async def test_a_message_may_be_a_file_alone(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    path, url = f"/api/conversations/{conversation}/messages", "https://cdn.example/a.jpg"

    files: list[Json] = [{"mediaUrl": url}, {"text": "", "mediaUrl": url}, {"text": None, "mediaUrl": url}]
    for body in files:
        sent = (await ann.post(path, body, 201))["message"]
        assert (sent["text"], sent["mediaUrl"]) == ("", url)
    nothing: list[Json] = [{}, {"mediaUrl": None}, {"text": " ", "mediaUrl": None}]
    for body in nothing:
        assert (await ann.post(path, body, 400))["field"] == "text"
    assert [one["mediaUrl"] for one in (await bob.get(path))["messages"]] == [url] * 3


NO_MEDIA_URLS = [
    "http://cdn.example/a.jpg",
    "javascript:alert(1)",
    "data:text/html,x",
    "//cdn.example/a.jpg",
    "https:///a.jpg",
    "https:a",
    "cdn.example",
    "https://cdn.example/a b",
    "https://cdn.example/\u202egpj.exe",
    "https://cdn.example/\x1b[31m",
    "https://cdn.example/a\n",
    "",
]


async def test_a_media_url_is_https_and_one_visible_word(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    for url in NO_MEDIA_URLS:
        assert (await ann.send(conversation, "x", 400, mediaUrl=url))["field"] == "mediaUrl", ascii(url)
    await ann.send(conversation, "x", mediaUrl="HTTPS://cdn.example/ä?b=1#c")


async def test_a_client_id_has_no_controls(rest: Rest) -> None:
    ann, _, conversation = await pair(rest)

    for client_id in ("a\nb", "a\n", "\x1b[31m", "a\x00", "\x9b", "\x7f", "", "x" * 65):
        assert (await ann.send(conversation, "x", 400, clientId=client_id))["field"] == "clientId", ascii(client_id)


async def test_an_opaque_text_may_be_long_and_no_list_shows_it(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    text = '{"v":1,"c":"' + "A" * (44 * 1024 - 14) + '"}'

    sent = await ann.send(conversation, text, opaque=True)
    refused = await ann.send(conversation, text + "B", 400, opaque=True)

    assert (sent["text"], sent["opaque"]) == (text, True)
    assert refused["field"] == "text"
    assert (await bob.get("/api/conversations"))["conversations"][0]["lastMessage"]["text"] == "Encrypted message"
    [read] = (await bob.get(f"/api/conversations/{conversation}/messages"))["messages"]
    assert (read["text"], read["opaque"]) == (text, True)
    [event] = (await bob.post("/api/sync", {"conversations": {}}))["conversations"][conversation]["events"]
    assert (event["text"], event["opaque"]) == (text, True)


async def test_a_message_that_is_not_opaque_says_nothing_of_it_in_its_event(rest: Rest) -> None:
    ann, bob, conversation = await pair(rest)
    await ann.send(conversation, "x", opaque=False)

    [event] = (await bob.post("/api/sync", {"conversations": {}}))["conversations"][conversation]["events"]

    assert "opaque" not in event
