"""Messages with a time to live: gone for everybody at that time, and erased soon after."""

import asyncio
from typing import Any

from persistence.messages.expiry import Expiry, erase
from shared import keys, wire
from tests.integration.persistence.parts import listening
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_carried import counts, listed, synced
from tests.integration.rest.test_touches import log_of, of, one, patch, put, reaction, two
from tests.support.waiting import eventually

Json = Any
SECRET_WORDS = "swordfish-4711"


async def let_pass(rest: Rest, *messages: Json) -> None:
    """Their time is over, as if it had passed."""
    await rest.parts.pool.execute(
        "UPDATE messages SET expires_at = date_trunc('milliseconds', now()) - interval '1 ms' WHERE id = ANY ($1)",
        [message["id"] for message in messages],
    )


async def swept(rest: Rest) -> int:
    return (await erase(rest.parts.pool)).messages


async def everything(rest: Rest, person: Person, room: str) -> str:
    """All that a device of theirs may be told of the conversation."""
    answers = [
        await person.get(f"/api/conversations/{room}/messages"),
        await person.get(f"/api/conversations/{room}/messages", pinned="true"),
        await person.get("/api/conversations"),
        await synced(person, room),
        await person.post("/api/sync", {"conversations": {room: 0}, "compact": True}),
        await person.post("/api/sync", {"conversations": {room: 1}, "compact": True}),
        await rest.ask_internal("/internal/events", {"conversationId": room, "after": 0, "upTo": 100}),
    ]
    return str(answers)


async def test_the_end_is_fixed_when_the_message_is_sent_and_stands_in_it(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "soon gone", expiresIn=3600)
    edited = (await patch(ann, of(room, sent), {"text": "soon gone, edited"}))["message"]

    assert sent["expiresAt"] == edited["expiresAt"]
    lives = await rest.parts.pool.fetchval("SELECT expires_at - created_at FROM messages WHERE id = $1", sent["id"])
    assert lives.total_seconds() == 3600
    assert [frame["expiresAt"] for frame in await log_of(bob, room)] == [sent["expiresAt"]] * 2
    assert (await one(bob, room))["expiresAt"] == sent["expiresAt"]
    assert await swept(rest) == 0


async def test_from_its_end_on_everything_takes_it_for_deleted_before_and_after_it_is_erased(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    await ann.send(room, "stays")
    sent = await ann.send(
        room, SECRET_WORDS, expiresIn=60, mentions=[bob.id], data=SECRET_WORDS, replyTo=(await one(ann, room))["id"]
    )
    await patch(ann, of(room, sent), {"text": SECRET_WORDS + " edited"})
    await put(bob, reaction(room, sent, "🐟"))
    await put(bob, of(room, sent, "/pin"))
    assert await counts(bob, room) == (2, 1)
    await let_pass(rest, sent)
    seen = []

    for _ in ("before", "after"):
        for person in (ann, bob):
            assert SECRET_WORDS not in await everything(rest, person, room)
        tombstone = await one(bob, room)
        assert (tombstone["text"], tombstone["by"], tombstone["deletedBy"]) == ("", "retention", None)
        assert (tombstone["mentions"], tombstone["reactions"], tombstone["expiresAt"]) == ([], [], None)
        assert (tombstone["replyTo"], tombstone["rev"], tombstone["isPinned"]) == (sent["replyTo"], 5, False)
        assert await counts(bob, room) == (1, 0)
        assert (await listed(bob, room))["lastMessage"]["text"] == "stays"
        assert (await put(bob, reaction(room, sent, "🐟"), 409))["code"] == "deleted"
        assert (await put(bob, of(room, sent, "/pin"), 409))["code"] == "deleted"
        assert (await patch(ann, of(room, sent), {"text": "back"}, 409))["code"] == "deleted"
        forward = {"conversationId": room, "messageId": sent["id"]}
        assert (await bob.send(room, "", status=409, forward=forward))["code"] == "deleted"
        assert (await ann.get(of(room, sent, "/edits")))["edits"] == []
        assert (await ann.get(of(room, sent, "/reactions")))["reactions"] == []
        await ann.delete(of(room, sent))  # repeatable, and no event
        seen.append((await log_of(bob, room), tombstone["deletedAt"]))
        await swept(rest)

    assert seen[0] == seen[1]
    assert [frame["type"] for frame in seen[0][0]][-1] == "message.pinned", "no event tells of the end"


async def test_a_minute_later_the_text_is_found_nowhere(rest: Rest, database_url: str) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, SECRET_WORDS, expiresIn=60, preview={"url": f"https://x.example/{SECRET_WORDS}"})
    await patch(ann, of(room, sent), {"text": SECRET_WORDS + " edited"})
    await put(bob, reaction(room, sent, SECRET_WORDS[:9]))
    await let_pass(rest, sent)

    await Expiry(rest.parts.pool, rest.parts.delivery).sweep()

    rows = await rest.parts.pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    for (table,) in rows:
        for row in await rest.parts.pool.fetch(f"SELECT t::text AS line FROM {table} t"):
            assert "swordfish" not in row["line"].replace(bytes(SECRET_WORDS, "ascii").hex(), "swordfish"), table


async def test_each_members_devices_are_told_up_to_where_and_what_they_count_then(rest: Rest, redis_url: str) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    room = await ann.start(bob, eve, isGroup=True)
    first = await ann.send(room, "one", expiresIn=60, mentions=[bob.id])
    await ann.send(room, "two", mentions=[bob.id])
    third = await ann.send(room, "three", expiresIn=60)
    await eve.post(f"/api/conversations/{room}/messages/status", {"messageIds": [first["id"]], "status": "read"})
    await let_pass(rest, first, third)

    async with listening(redis_url, *(keys.user(one.id) for one in (ann, bob, eve))) as ear:
        await Expiry(rest.parts.pool, rest.parts.delivery).sweep()
        await eventually(lambda: len(ear.frames(wire.Kind.USER_FRAME)) == 3)

    frames = ear.frames(wire.Kind.USER_FRAME)
    assert {(frame["type"], frame["conversationId"], frame["upToSeq"]) for frame in frames} == {
        ("conversation.expired", room, third["seq"])
    }
    assert sorted((frame["unreadCount"], frame["mentionCount"]) for frame in frames) == [(0, 0), (1, 0), (1, 1)]


async def test_who_was_away_is_told_the_counts_by_the_next_sync_though_no_event_came(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "one", expiresIn=60)
    before = await bob.post("/api/sync", {"conversations": {}})
    quiet = await bob.post("/api/sync", {"conversations": {room: 1}, "asOf": before["asOf"]})
    await let_pass(rest, sent)
    await swept(rest)

    after = await bob.post("/api/sync", {"conversations": {room: 1}, "asOf": quiet["asOf"]})

    assert after["conversations"][room]["events"] == []
    assert (after["conversations"][room]["unreadCount"], after["conversations"][room]["mentionCount"]) == (0, 0)


async def test_several_sweeps_at_once_erase_each_message_once(rest: Rest) -> None:
    ann, _, room = await two(rest)
    sent = [await ann.send(room, f"n{n}", expiresIn=60) for n in range(12)]
    await let_pass(rest, *sent)

    erased = sum(one.messages for one in await asyncio.gather(*(erase(rest.parts.pool, 5) for _ in range(6))))
    while more := await swept(rest):
        erased += more

    assert erased == 12
    assert await rest.parts.pool.fetchval("SELECT count(*) FROM messages WHERE deleted_as = 'retention'") == 12


async def test_what_was_pushed_is_withdrawn_and_the_badge_is_looked_at_again(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent = await ann.send(room, "one", expiresIn=60)
    pool = rest.parts.pool
    await pool.execute("INSERT INTO badges (user_id, shown) VALUES ($1, 1)", bob.id)
    await pool.execute(
        "INSERT INTO push_ledger (conversation_id, message_id, device_id, user_id, seq, state, attempts, lease_until,"
        " created_at, updated_at) VALUES ($1, $2, gen_random_uuid(), $3, 1, 'sent', 1, now(), now(), now())",
        room, sent["id"], bob.id,
    )  # fmt: skip
    await let_pass(rest, sent)

    await swept(rest)

    assert await pool.fetchval("SELECT stale_since IS NOT NULL FROM badges WHERE user_id = $1", bob.id)
    assert await pool.fetchval("SELECT withdraw FROM push_ledger WHERE message_id = $1", sent["id"])


async def test_what_a_group_is_set_to_ends_each_message_unless_the_message_says_otherwise(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob, rest.person("eve"), isGroup=True)
    path, pool = f"/api/conversations/{room}", rest.parts.pool
    before = await bob.send(room, "stays")
    await patch(ann, path, {"settings": {"expireSeconds": 3600}})

    plain, own = await bob.send(room, "hour"), await bob.send(room, "minute", expiresIn=60)
    mentioned = await ann.send(room, "hour too", mentions=[bob.id])
    await patch(ann, path, {"settings": {"expireSeconds": None}})
    after = await bob.send(room, "stays too")

    assert (before["expiresAt"], after["expiresAt"]) == (None, None)
    lives = await pool.fetch(
        "SELECT extract(epoch FROM expires_at - created_at)::int AS s FROM messages WHERE conversation_id = $1"
        " ORDER BY seq", room,
    )  # fmt: skip
    assert [row["s"] for row in lives] == [None, 3600, 60, 3600, None]
    assert (await log_of(ann, room))[2]["expiresAt"] == plain["expiresAt"]
    await let_pass(rest, plain, own, mentioned)
    assert await counts(ann, room) == (1, 0)
    assert await swept(rest) == 3
    assert await counts(ann, room) == (1, 0)
