"""Who tells nobody how far they read, or when they were last here: it leaks nowhere, and goes both ways."""

from typing import Any

from persistence.push import badges
from shared import keys, wire
from tests.integration.persistence.parts import Ear, listening
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually


async def wish(person: Person, **wishes: Any) -> Any:
    return (await person.post("/notifications/preferences", wishes))["preferences"]


async def read(person: Person, room: str, message: Any) -> None:
    body = {"messageIds": [message["id"]], "status": "read"}
    await person.post(f"/api/conversations/{room}/messages/status", body)


async def statuses(person: Person, room: str) -> list[str]:
    return [one["status"] for one in (await person.get(f"/api/conversations/{room}/messages"))["messages"]]


async def readers(person: Person, room: str, message: Any) -> list[str]:
    found = await person.get(f"/api/conversations/{room}/messages/{message['id']}/receipts")
    return [one["userId"] for one in found["read"]]


async def traced(person: Person, message: Any) -> list[tuple[bool, Any]]:
    recipients = (await person.get(f"/api/messages/{message['id']}/trace"))["recipients"]
    return [(one["read"], one["readAt"]) for one in recipients]


async def sync(person: Person, known: dict[str, int] | None = None, as_of: str | None = None) -> Any:
    return await person.post("/api/sync", {"conversations": known or {}, **({"asOf": as_of} if as_of else {})})


def reads(ear: Ear) -> list[tuple[str, int]]:
    return [(one["senderId"], one["seq"]) for one in ear.frames(wire.Kind.RECEIPT) if one["type"] == "message.read"]


async def test_the_wishes_are_kept_beside_the_others(rest: Rest) -> None:
    ann = rest.person("ann")
    assert (await ann.get("/notifications/preferences"))["preferences"].items() >= {
        "read_receipts": True,
        "last_seen": "everyone",
    }.items()
    assert (await wish(ann, read_receipts=False, last_seen="nobody"))["last_seen"] == "nobody"
    assert (await wish(ann, preview="none")).items() >= {"read_receipts": False, "last_seen": "nobody"}.items()
    assert (await wish(ann, read_receipts=None, last_seen=None)).items() >= {
        "read_receipts": True,
        "last_seen": "everyone",
    }.items()
    for field, value in (("read_receipts", "no"), ("last_seen", "friends")):
        assert (await ann.post("/notifications/preferences", {field: value}, 400))["field"] == field


async def test_reading_privately_leaks_by_no_frame_page_sync_list_of_readers_or_trace(rest: Rest) -> None:
    ann, bob, cid = rest.person("ann"), rest.person("bob"), rest.person("cid")
    room = await ann.start(bob, cid)
    await wish(ann, read_receipts=False)
    message = await bob.send(room, "seen?")
    body = {"messageIds": [message["id"]], "status": "delivered"}
    for one in (ann, cid):
        await one.post(f"/api/conversations/{room}/messages/status", body)
    await read(cid, room, message)
    known = {room: 1}
    before = await sync(bob, known)
    own = (await sync(ann, known))["asOf"]
    async with listening(rest.parts.redis_url, keys.room(room), keys.user(bob.id)) as others:
        async with listening(rest.parts.redis_url, keys.user(ann.id)) as mine:
            await read(ann, room, message)
            await eventually(lambda: reads(mine) == [(ann.id, 1)])
        await bob.post(f"/api/conversations/{room}/typing", {"isTyping": True})
        await eventually(lambda: bool(others.of(wire.Kind.TYPING_START)))
        assert reads(others) == []

    assert await statuses(bob, room) == ["delivered"]
    assert await readers(bob, room, message) == [cid.id]
    assert [is_read for is_read, _ in await traced(bob, message)].count(True) == 1
    told = (await sync(bob, known, before["asOf"]))["conversations"]
    assert told == {}, "also not that anything moved"
    first = (await sync(bob))["conversations"][room]
    assert first["readUpTo"] == 0
    assert first["cursors"][ann.id] == {"delivered": 1, "read": 0}
    assert first["cursors"][cid.id] == {"delivered": 1, "read": 1}

    mine_now = (await sync(ann, known, own))["conversations"][room]
    assert (mine_now["readSeq"], mine_now["unreadCount"]) == (1, 0), "the own other devices catch up"
    listed = (await ann.get(f"/api/conversations/{room}"))["conversation"]
    assert (listed["readSeq"], listed["unreadCount"]) == (1, 0)
    assert (await ann.get("/api/unread"))["messages"] == 0


async def test_a_private_readers_own_send_is_seen_as_read_by_all(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await wish(ann, read_receipts=False)
    await bob.send(room, "one")
    await ann.send(room, "I have seen it")
    second = await bob.send(room, "two")
    await read(ann, room, second)

    assert await statuses(bob, room) == ["read", "read", "delivered"]
    assert (await ann.get("/api/unread"))["messages"] == 0


async def test_who_reads_privately_sees_nobodys_reading(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob, rest.person("cid"))
    message = await ann.send(room, "hello", clientId="c1")
    await rest.parts.pool.execute("UPDATE participants SET delivered_seq = 1, read_seq = 1")
    assert await statuses(ann, room) == ["read"]

    await wish(ann, read_receipts=False)

    assert await statuses(ann, room) == ["delivered"]
    assert await readers(ann, room, message) == []
    assert set(await traced(ann, message)) == {(False, None)}
    synced = (await sync(ann))["conversations"][room]
    assert (synced["readUpTo"], {one["read"] for one in synced["cursors"].values()}) == (0, {0})
    assert (await ann.send(room, "hello", 200, clientId="c1"))["status"] == "delivered"
    edited = await ann.ask("PATCH", f"/api/conversations/{room}/messages/{message['id']}", json={"text": "hello!"})
    assert (await edited.json())["message"]["status"] == "delivered"
    assert await statuses(bob, room) == ["read"], "others still see each other"


async def test_from_when_it_is_taken_back_on_reading_is_told_again(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await wish(ann, read_receipts=False)
    first, second = await bob.send(room, "one"), await bob.send(room, "two")
    await read(ann, room, first)
    await wish(ann, read_receipts=True)
    assert await statuses(bob, room) == ["delivered", "sent"]

    async with listening(rest.parts.redis_url, keys.room(room)) as ear:
        await read(ann, room, second)
        await eventually(lambda: reads(ear) == [(ann.id, 2)])

    assert await statuses(bob, room) == ["read", "read"]


async def test_gateways_hear_of_another_privacy_and_of_nothing_else(rest: Rest) -> None:
    ann = rest.person("ann")
    await ann.get("/api/me")
    async with listening(rest.parts.redis_url, keys.user(ann.id)) as ear:
        await wish(ann, preview="none")
        await wish(ann, read_receipts=False)
        await wish(ann, read_receipts=False)
        await wish(ann, last_seen="nobody")
        await eventually(lambda: len(ear.of(wire.Kind.PRIVACY)) >= 2)
        heard = [(one.seq, one.frame) for one in ear.envelopes]

    assert heard == [(1, b'{"readsPrivately":true}'), (2, b'{"readsPrivately":true,"hidesLastSeen":true}')]
    [session] = (await rest.ask_internal("/internal/sessions", {"users": [{"id": ann.id, "handle": "ann"}]}))[
        "sessions"
    ]
    assert (session["version"], session["privacy"]) == (2, {"readsPrivately": True, "hidesLastSeen": True})


async def test_who_hides_when_they_were_here_is_seen_by_nobody_and_sees_nobodys(rest: Rest) -> None:
    ann, bob, cid = rest.person("ann"), rest.person("bob"), rest.person("cid")
    await ann.start(bob, cid)
    for one in (bob, cid):
        await rest.parts.redis.set(keys.left_at(one.id, rest.parts.epoch), 1_800_000_000_123)

    async def seen(person: Person, other: Person) -> Any:
        [known] = (await person.get("/api/presence", userIds=other.id))["presence"]
        return known["lastSeenAt"]

    assert await seen(ann, bob)
    await wish(bob, last_seen="nobody")
    assert await seen(ann, bob) is None
    assert await seen(bob, cid) is None
    assert await seen(ann, cid)
    peers = await rest.ask_internal("/internal/peers", {"users": [ann.id, bob.id]})
    assert peers["discreet"] == [bob.id]
    await wish(bob, last_seen="everyone")
    assert await seen(ann, bob)


async def test_a_badge_follows_a_private_reading(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    pool = rest.parts.pool
    await ann.post("/notifications/register-token", {"token": "ExponentPushToken[a]", "platform": "ios"})
    await wish(ann, read_receipts=False)
    message = await bob.send(room, "one")
    await pool.execute("INSERT INTO badges (user_id, shown) VALUES ($1, 1)", ann.id)
    await read(ann, room, message)

    [badge] = await badges.take_stale(pool, 10)

    assert (badge.user_id, badge.unread) == (ann.id, 0)
