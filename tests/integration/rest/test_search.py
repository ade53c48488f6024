"""Searching one's own messages: what is found, in which order, and what never is."""

from typing import Any

from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_touches import of, patch, two
from tests.support.waiting import eventually

Json = Any


async def found(person: Person, q: str, status: int = 200, **fields: Any) -> Json:
    return await person.get("/api/search", status, q=q, **fields)


async def texts(person: Person, q: str, **fields: Any) -> list[str]:
    return [one["message"]["text"] for one in (await found(person, q, **fields))["results"]]


async def findable(rest: Rest, room: str, count: int) -> None:
    """So many messages of this conversation can be found."""

    async def ready() -> bool:
        written = await rest.parts.pool.fetchval("SELECT count(*) FROM search WHERE conversation_id = $1", room)
        return bool(written == count)

    await eventually(ready)


async def say(rest: Rest, person: Person, room: str, *said: str, before: int = 0, **fields: Any) -> list[Json]:
    sent = [await person.send(room, text, **fields) for text in said]
    await findable(rest, room, before + len(said))
    return sent


async def test_words_parts_of_words_and_phrases_are_found_newest_first_with_the_places_to_mark(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    said = await say(
        rest, ann, room, "The quick brown fox", "A brown, quick dog 😀 runs", "Nothing of it", "我喜欢吃苹果"
    )

    answer = await found(bob, "QUICK brown")

    assert [one["message"]["id"] for one in answer["results"]] == [said[1]["id"], said[0]["id"]]
    assert (answer["nextCursor"], answer["complete"]) == (None, True)
    assert answer["asOfSeq"] == {room: 4}
    assert answer["results"][1]["conversationId"] == room
    assert answer["results"][1]["message"]["senderHandle"] == "ann"
    assert answer["results"][1]["excerpt"] == {"text": "The quick brown fox", "marks": [[4, 9], [10, 15]]}
    assert (await found(bob, "runs"))["results"][0]["excerpt"]["marks"] == [[22, 26]]
    assert await texts(bob, "uic") == ["A brown, quick dog 😀 runs", "The quick brown fox"]
    assert await texts(bob, '"quick brown"') == ["The quick brown fox"]
    assert await texts(bob, "吃苹") == ["我喜欢吃苹果"]
    assert await texts(bob, "brown,") == ["A brown, quick dog 😀 runs"]
    assert await texts(bob, "quick cat") == []


async def test_writing_is_compared_without_case_marks_width_and_stretching(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    await say(rest, ann, room, "Crème BRÛLÉE", "ＡＢＣ１２３", "كِتَـــاب", "STRASSE", "100% _sure_ \\o/")

    for q, text in (
        ("creme brulee", "Crème BRÛLÉE"),
        ("abc12", "ＡＢＣ１２３"),
        ("كتاب", "كِتَـــاب"),
        ("straße", "STRASSE"),
        ("0%", "100% _sure_ \\o/"),
        ("_SURE_", "100% _sure_ \\o/"),
        ("\\o", "100% _sure_ \\o/"),
    ):
        assert await texts(bob, q) == [text]
    assert await texts(bob, "1_3") == await texts(bob, "%abc") == []


async def test_pages_go_on_where_the_last_one_ended(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    other = await bob.start(ann, isGroup=True)
    for number in range(4):
        await say(rest, ann, room, f"note {2 * number}", before=number)
        await say(rest, bob, other, f"note {2 * number + 1}", before=number)

    pages: list[list[str]] = []
    cursor: dict[str, Any] = {}
    while len(pages) < 10:
        answer = await found(ann, "note", limit="3", **cursor)
        pages.append([one["message"]["text"] for one in answer["results"]])
        if answer["nextCursor"] is None:
            break
        cursor = {"cursor": answer["nextCursor"]}

    assert pages == [["note 7", "note 6", "note 5"], ["note 4", "note 3", "note 2"], ["note 1", "note 0"]]


async def test_filters_are_words_of_the_query_or_fields(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    group = await ann.start(bob, rest.person("cy"), name="Garden club")
    await say(rest, ann, room, "seen https://a.example/x", "seen plain")
    first, second = await say(rest, bob, group, "seen one", "seen two")
    await bob.send(group, "", mediaUrl="https://a.example/photo.jpg")
    await findable(rest, group, 3)

    of_bob, of_ann = ["seen two", "seen one"], ["seen plain", "seen https://a.example/x"]
    assert await texts(ann, "seen from:bob") == await texts(ann, "seen", senderId=bob.id) == of_bob
    assert await texts(ann, "seen from:me") == await texts(ann, f"seen from:{ann.id}") == of_ann
    assert await texts(ann, 'seen in:"garden c"') == await texts(ann, "seen", conversationId=group) == of_bob
    assert await texts(ann, "has:link") == await texts(ann, "seen", has="link") == of_ann[1:]
    assert [one["message"]["mediaUrl"] for one in (await found(ann, "has:attachment"))["results"]] == [
        "https://a.example/photo.jpg"
    ]
    assert await texts(ann, "seen from:bob", before=second["createdAt"]) == ["seen one"]
    assert await texts(ann, "seen from:bob", after=first["createdAt"]) == ["seen two"]
    assert await texts(ann, "seen before:2020-01-01") == await texts(ann, "seen from:nobody") == []
    assert len(await texts(ann, "seen after:2020-01-01")) == 4


async def test_what_was_edited_deleted_hidden_or_is_opaque_is_not_found(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    edited, deleted, hidden = await say(rest, ann, room, "secret one", "secret two", "secret three")
    await ann.send(room, "secret four", opaque=True)

    await patch(ann, of(room, edited), {"text": "another word"})
    await ann.delete(of(room, deleted))
    await bob.delete(of(room, hidden) + "?for=me")

    assert await texts(bob, "secret") == []
    assert await texts(ann, "secret") == ["secret three"]
    await eventually(lambda: _finds(ann, "another", 1))
    assert await rest.parts.pool.fetchval("SELECT count(*) FROM search") == 2


async def _finds(person: Person, q: str, count: int) -> bool:
    return len(await texts(person, q)) == count


async def test_nobody_finds_what_a_page_would_not_show_them(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    cleared = await ann.start(bob, isGroup=True)
    await say(rest, ann, room, "treasure")
    await say(rest, ann, cleared, "treasure too")
    stranger = rest.person("eve")
    await bob.delete(f"/api/conversations/{cleared}")

    assert await texts(bob, "treasure") == ["treasure"]
    assert await texts(stranger, "treasure") == []
    await found(stranger, "treasure", 403, conversationId=room)
    await bob.put(f"/api/blocks/{ann.id}")
    assert await texts(bob, "treasure") == await texts(bob, "treasure", conversationId=room) == []
    assert len(await texts(ann, "treasure")) == 2


async def test_what_nobody_can_ask_is_refused_and_what_finds_nothing_is_not(rest: Rest) -> None:
    ann, _, room = await two(rest)

    for fields in ({"q": ""}, {"q": "x" * 201}, {"q": "x", "cursor": "x"}, {"q": "x", "has": "wings"}, {}):
        await ann.get("/api/search", 400, **fields)
    for q in (" ", "́", '""', "from:", "has:wings"):
        answer = await found(ann, q)
        assert (answer["results"], answer["complete"]) == ([], True)
    assert (await found(ann, "x", limit="1000", conversationId=room))["results"] == []
