"""Files from announcement to end, as apps and media see persistence: media's own part is asked of the internal port."""

import asyncio
from typing import Any

from persistence.attachments.collecting import Collector
from persistence.attachments.rules import FileRules
from shared import links
from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest, serving

Json = Any
KEY = b"a key of the tests"


def file(room: str | None, **fields: Any) -> Json:
    announced = {"conversationId": room, "name": "cat.jpg", "size": 1000, "contentType": "image/jpeg"}
    return {"clientId": new_id(), **announced, **fields}


async def announce(person: Person, room: str | None, **fields: Any) -> Json:
    return (await person.post("/api/attachments", file(room, **fields), 201))["attachment"]


async def finish(rest: Rest, person: Person, attachment: Json, reason: str | None = None, **found: Any) -> str:
    """As media would, when the last byte is there; the writer."""
    writer, name = new_id(), attachment["id"]
    begun = await rest.ask_internal(
        "/internal/media/begin", {"attachmentId": name, "userId": person.id, "writer": writer}
    )
    assert begun["state"] == "open"
    ended = await rest.ask_internal("/internal/media/end", {"attachmentId": name, "writer": writer, "complete": True})
    assert ended["job"]["attachmentId"] == name
    measured = {"contentType": "image/jpeg", "size": 900, "sha256": "ab", "width": 40, "height": 30, "hasThumb": True}
    told = {"attachmentId": name, "writer": writer, "reason": reason, **measured, **found}
    assert (await rest.ask_internal("/internal/media/finished", told))["kept"]
    return writer


async def ready(rest: Rest, person: Person, room: str | None, **fields: Any) -> Json:
    attachment = await announce(person, room, **fields)
    await finish(rest, person, attachment)
    return attachment


async def sees(rest: Rest, person: Person, attachment: Json) -> bool:
    asked = {"asks": [{"attachmentId": attachment["id"], "userId": person.id}]}
    return (await rest.ask_internal("/internal/media/access", asked))["files"][0] is not None


async def two(rest: Rest) -> tuple[Person, Person, str]:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await bob.get("/api/conversations")
    return ann, bob, room


async def state(person: Person, attachment: Json) -> Json:
    return (await person.get(f"/api/attachments/{attachment['id']}/state"))["attachment"]


async def garbage(rest: Rest) -> set[str]:
    return set((await rest.ask_internal("/internal/media/garbage", {"limit": 100}))["blobs"])


async def test_an_announced_file_has_a_place_for_its_bytes_and_is_one_however_often_it_is_announced(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    wanted = file(room, name="../a\\b.jpg", waveform=[0, 0.5, 255], durationMs=1200)

    first = await ann.post("/api/attachments", wanted, 201)
    again = await ann.post("/api/attachments", wanted, 200)

    assert again == first
    told, upload = first["attachment"], first["upload"]
    assert (told["state"], told["kind"], told["name"]) == ("waiting", "image", ".._a_b.jpg")
    assert (told["waveform"], told["durationMs"], told["size"]) == ([0, 0.5, 255], 1200, 1000)
    assert upload["url"] == f"{rest.url}/api/attachments/{told['id']}/content"
    assert upload["offset"] == 0
    assert await state(ann, told) == told
    await bob.get(f"/api/attachments/{told['id']}/state", 404)


async def test_two_announcements_of_one_client_id_at_once_are_one(rest: Rest) -> None:
    ann, _, room = await two(rest)
    wanted = file(room)

    answers = await asyncio.gather(*(ann.ask("POST", "/api/attachments", json=wanted) for _ in range(8)))

    assert sorted(one.status for one in answers) == [200] * 7 + [201]
    assert len({(await one.json())["attachment"]["id"] for one in answers}) == 1
    days = await rest.parts.pool.fetch("SELECT bytes, files FROM attachment_days WHERE user_id = $1", ann.id)
    assert [tuple(row) for row in days] == [(1000, 1)]


async def test_what_is_no_file_of_ones_own_is_refused(rest: Rest) -> None:
    ann, _, room = await two(rest)
    stranger = rest.person("eve")
    for wrong in (
        {"name": "a\u202eb"},
        {"name": "a\nb"},
        {"name": ""},
        {"name": "a" * 256},
        {"size": 0},
        {"contentType": "jpeg"},
        {"kind": "song"},
        {"kind": "avatar"},
        {"clientId": ""},
        {"waveform": [0] * 513},
    ):
        await ann.post("/api/attachments", file(room, **wrong), 400)
    await ann.post("/api/attachments", file(None, kind="image"), 400)
    await ann.post("/api/attachments", file(room, size=100 * 1024 * 1024 + 1), 413)
    await stranger.post("/api/attachments", file(room), 403)
    await ann.post("/api/attachments", file(room, poster=new_id()), 404)
    await ann.get(f"/api/attachments/{new_id()}/state", 404)
    await ann.post(f"/api/attachments/{new_id()}/link", {}, 404)


async def test_a_day_takes_so_many_bytes_and_gives_back_what_came_to_nothing(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, file_rules=FileRules(user_bytes=2500)) as rest:
        ann, _, room = await two(rest)
        first, second = await announce(ann, room), await announce(ann, room)
        refused = await ann.ask("POST", "/api/attachments", json=file(room))
        assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)

        await finish(rest, ann, first, reason="broken")
        await announce(ann, room)
        await ann.post("/api/attachments", file(room), 429)
        dropped = {"attachmentId": second["id"], "userId": ann.id}
        assert (await rest.ask_internal("/internal/media/drop", dropped))["state"] == "open"
        await announce(ann, room)
        await ann.get(f"/api/attachments/{second['id']}/state", 404)


async def test_an_upload_has_one_writer_and_a_dead_one_gives_way(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    name = (await announce(ann, room))["id"]

    async def begin(person: Person) -> str:
        asked = {"attachmentId": name, "userId": person.id, "writer": new_id()}
        return str((await rest.ask_internal("/internal/media/begin", asked))["state"])

    assert await begin(bob) == "missing"
    assert sorted(await asyncio.gather(begin(ann), begin(ann), begin(ann))) == ["busy", "busy", "open"]
    await rest.parts.pool.execute("UPDATE attachments SET writer_until = now()")
    assert await begin(ann) == "open"


async def test_a_message_shows_its_files_everywhere_and_an_older_app_a_text_and_an_address(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    one, other = await ready(rest, ann, room), await ready(rest, ann, room, kind="voice", durationMs=5)

    sent = await ann.send(room, "", attachments=[other["id"], one["id"]], clientId="c")
    again = await ann.send(room, "", 200, attachments=[other["id"], one["id"]], clientId="c")

    assert again == sent
    assert (sent["text"], sent["placeholder"]) == ("🎤 Voice message", True)
    assert sent["mediaUrl"] == f"{rest.url}/api/attachments/{other['id']}"
    assert [file["id"] for file in sent["attachments"]] == [other["id"], one["id"]]
    assert sent["attachments"][1] == {
        "id": one["id"], "kind": "image", "name": "cat.jpg", "contentType": "image/jpeg", "size": 900, "width": 40,
        "height": 30, "durationMs": None, "waveform": None, "thumbhash": None,
    }  # fmt: skip
    page = (await bob.get(f"/api/conversations/{room}/messages", has="attachment"))["messages"]
    assert page == [{**sent, "status": "sent"}]
    [event] = (await bob.post("/api/sync", {"conversations": {room: 0}}))["conversations"][room]["events"]
    assert (event["attachments"], event["placeholder"], event["text"]) == (sent["attachments"], True, sent["text"])
    [listed] = (await bob.get("/api/conversations"))["conversations"]
    assert listed["lastMessage"]["text"] == "🎤 Voice message"


async def test_a_message_takes_only_files_that_are_its_senders_ready_unused_and_made_for_it(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    elsewhere = await ann.start(bob, isGroup=True)
    used, waiting = await ready(rest, ann, room), await announce(ann, room)
    await ann.send(room, "", attachments=[used["id"]])
    rejected = await announce(ann, room)
    await finish(rest, ann, rejected, reason="type")
    bobs, other = await ready(rest, bob, room), await ready(rest, ann, elsewhere)

    for wrong in (used, waiting, rejected, bobs, other, {"id": new_id()}):
        answer = await ann.send(room, "x", 400, attachments=[wrong["id"]])
        assert answer["field"] == "attachments"
    good = await ready(rest, ann, room)
    await ann.send(room, "x", 400, attachments=[good["id"]] * 2)
    await ann.send(room, "x", 400, attachments=[new_id() for _ in range(11)])
    await ann.send(room, "", 400, attachments=[])
    await rest.person("eve").send(room, "x", 403, attachments=[good["id"]])
    assert (await ann.send(room, "words", attachments=[good["id"]]))["placeholder"] is False
    assert len((await bob.get(f"/api/conversations/{room}/messages"))["messages"]) == 2


async def test_one_file_goes_out_once_however_many_messages_want_it_at_once(rest: Rest) -> None:
    ann, _, room = await two(rest)
    attachment = await ready(rest, ann, room)
    body = {"text": "", "attachments": [attachment["id"]]}

    answers = await asyncio.gather(
        *(ann.ask("POST", f"/api/conversations/{room}/messages", json=body) for _ in range(6))
    )

    assert sorted(one.status for one in answers) == [201, 400, 400, 400, 400, 400]


async def test_who_sees_the_message_sees_the_file_and_nobody_else(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    eve = rest.person("eve")
    await eve.get("/api/conversations")
    attachment = await ready(rest, ann, room)
    assert [await sees(rest, one, attachment) for one in (ann, bob, eve)] == [True, False, False]
    sent = await ann.send(room, "", attachments=[attachment["id"]])
    assert [await sees(rest, one, attachment) for one in (ann, bob, eve)] == [True, True, False]

    await bob.delete(f"/api/conversations/{room}/messages/{sent['id']}?for=me")
    assert [await sees(rest, one, attachment) for one in (ann, bob)] == [True, False]

    await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")
    assert [await sees(rest, one, attachment) for one in (ann, bob)] == [False, False]
    assert await garbage(rest) == {attachment["id"]}
    await rest.ask_internal("/internal/media/collected", {"blobs": [attachment["id"]], "parts": []})
    assert await garbage(rest) == set()
    tombstone = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert tombstone == [] or tombstone[0].get("hidden")


async def test_a_purged_conversation_leaves_no_file(rest: Rest) -> None:
    ann, _, room = await two(rest)
    used, unused = await ready(rest, ann, room), await announce(ann, room)
    await ann.send(room, "", attachments=[used["id"]])

    await rest.ask_internal("/internal/purge", {"conversations": [room]})

    assert await garbage(rest) == {used["id"], unused["id"]}
    assert not await sees(rest, ann, used)


async def test_time_ends_what_was_never_finished_and_what_nobody_used(rest: Rest) -> None:
    ann, _, room = await two(rest)
    unfinished, unused, used = await announce(ann, room), await ready(rest, ann, room), await ready(rest, ann, room)
    await ann.send(room, "", attachments=[used["id"]])
    collector = Collector(rest.parts.pool, grace_days=7)
    await collector.expire()
    assert await garbage(rest) == set()

    await rest.parts.pool.execute("UPDATE attachments SET expires_at = now()")
    await collector.expire()

    assert await garbage(rest) == {unfinished["id"], unused["id"]}
    assert (await state(ann, unfinished))["reason"] == "expired"
    asked = {"attachmentId": unfinished["id"], "userId": ann.id}
    assert (await rest.ask_internal("/internal/media/look", asked))["state"] == "expired"
    await ann.get(f"/api/attachments/{unused['id']}/state", 404)
    assert await sees(rest, ann, used)
    await collector.sample()


async def test_after_a_restore_the_collector_waits(rest: Rest) -> None:
    ann, _, room = await two(rest)
    attachment = await ready(rest, ann, room)
    sent = await ann.send(room, "", attachments=[attachment["id"]])
    await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")
    assert await garbage(rest) == {attachment["id"]}

    await rest.parts.pool.execute("UPDATE meta SET epoch = gen_random_uuid()")

    assert await garbage(rest) == set()
    await rest.parts.pool.execute("UPDATE blob_epochs SET first_seen = first_seen - interval '8 days'")
    assert await garbage(rest) == {attachment["id"]}


async def test_a_job_that_nobody_does_any_more_is_taken_up_by_another(rest: Rest) -> None:
    ann, _, room = await two(rest)
    name, writer, other = (await announce(ann, room))["id"], new_id(), new_id()
    asked = {"attachmentId": name, "userId": ann.id, "writer": writer}
    await rest.ask_internal("/internal/media/begin", asked)
    await rest.ask_internal("/internal/media/end", {"attachmentId": name, "writer": writer, "complete": True})
    claim = {"writer": other, "limit": 5}
    assert (await rest.ask_internal("/internal/media/claim", claim))["jobs"] == []

    await rest.parts.pool.execute("UPDATE attachments SET writer_until = now()")
    [job] = (await rest.ask_internal("/internal/media/claim", claim))["jobs"]

    assert job["attachmentId"] == name
    late = {"attachmentId": name, "writer": writer, "reason": "broken"}
    assert not (await rest.ask_internal("/internal/media/finished", late))["kept"]


async def test_a_link_names_its_user_and_ends(database_url: str, redis_url: str) -> None:
    rules = FileRules(media_url="https://media.example", link_key=KEY)
    async with serving(database_url, redis_url, file_rules=rules) as rest:
        ann, bob, room = await two(rest)
        attachment = await ready(rest, ann, room)
        told = await ann.post(f"/api/attachments/{attachment['id']}/link", {"variant": "thumb"})
        bare = await (await ann.ask("POST", f"/api/attachments/{attachment['id']}/link")).json()
        await bob.post(f"/api/attachments/{attachment['id']}/link", {}, 404)

    address, _, signed = told["url"].partition("&link=")
    assert address == f"https://media.example/api/attachments/{attachment['id']}?variant=thumb"
    found = links.verify(KEY, attachment["id"], "thumb", signed, now=0)
    assert found is not None
    assert found.user_id == ann.id
    for wrong in (
        links.verify(b"other", attachment["id"], "thumb", signed, now=0),
        links.verify(KEY, new_id(), "thumb", signed, now=0),
        links.verify(KEY, attachment["id"], "", signed, now=0),
        links.verify(KEY, attachment["id"], "thumb", signed, now=found.expires_at),
        links.verify(KEY, attachment["id"], "thumb", signed[:-4] + "AAAA", now=0),
        links.verify(KEY, attachment["id"], "thumb", "ü", now=0),
    ):
        assert wrong is None
    assert "?link=" in bare["url"]


async def test_an_edit_changes_words_and_files_and_drops_what_is_left_out(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    one, other, third = [await ready(rest, ann, room) for _ in range(3)]
    sent = await ann.send(room, "", attachments=[one["id"], other["id"]])
    path = f"/api/conversations/{room}/messages/{sent['id']}"

    async def edit(status: int = 200, **body: Any) -> Json:
        answer = await ann.ask("PATCH", path, json=body)
        assert answer.status == status, await answer.text()
        return (await answer.json()).get("message")

    assert (await edit(text=""))["rev"] == sent["rev"]
    worded = await edit(text="two cats")
    assert (worded["text"], worded["placeholder"], len(worded["attachments"])) == ("two cats", False, 2)
    assert (await edit(text=""))["placeholder"] is True
    swapped = await edit(attachments=[third["id"], other["id"]])
    assert [file["id"] for file in swapped["attachments"]] == [third["id"], other["id"]]
    assert swapped["mediaUrl"].endswith(third["id"])
    assert [await sees(rest, bob, file) for file in (one, other, third)] == [False, True, True]
    assert await garbage(rest) == {one["id"]}
    await edit(400, attachments=[one["id"]])
    await edit(400, attachments=[], text="")
    assert (await edit(attachments=[], text="no cats"))["attachments"] == []
    page = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert (page[0]["text"], page[0]["mediaUrl"], page[0]["attachments"]) == ("no cats", None, [])
    assert await garbage(rest) == {one["id"], other["id"], third["id"]}


async def test_an_avatar_is_seen_by_who_shares_a_conversation_and_goes_a_day_after_it_was_replaced(rest: Rest) -> None:
    ann, bob, _ = await two(rest)
    eve = rest.person("eve")
    await eve.get("/api/conversations")
    first, second = [await ready(rest, ann, None, kind="avatar") for _ in range(2)]

    async def wear(avatar: str | None, status: int = 200) -> Json:
        answer = await ann.ask("PATCH", "/api/me", json={"avatar": avatar})
        assert answer.status == status, await answer.text()
        return (await answer.json()).get("user")

    shown = await wear(first["id"])
    assert shown["avatarUrl"] == f"{rest.url}/api/attachments/{first['id']}"
    assert [await sees(rest, one, first) for one in (ann, bob, eve)] == [True, True, False]
    [listed] = (await bob.get("/api/conversations"))["conversations"]
    assert shown["avatarUrl"] in [one["avatarUrl"] for one in listed["participants"]]
    await wear(second["id"])
    await wear(new_id(), 404)
    assert [await sees(rest, bob, one) for one in (first, second)] == [False, True]
    await rest.parts.pool.execute("UPDATE attachments SET expires_at = now()")
    await Collector(rest.parts.pool, grace_days=7).expire()
    assert await garbage(rest) == {first["id"]}
    assert (await wear(None))["avatarUrl"] is None
    assert not await sees(rest, bob, second)
