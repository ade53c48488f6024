"""What moderators do outside the queue, and what it does to whom it concerns."""

from datetime import UTC, datetime, timedelta
from typing import Any

from persistence.members.views import Muted
from persistence.messages import send as messages
from persistence.messages.views import Sent
from persistence.moderation import upkeep
from persistence.users.refusals import Refusals
from shared.auth import Identity, Profile
from shared.ids import new_id
from tests.integration.persistence.talk import draft
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_reports import queue, report, resolve, scene
from tests.integration.rest.test_touches import log_of, of, patch, put, reaction

Json = Any


def soon(**ago: float) -> str:
    return (datetime.now(UTC) + timedelta(**ago)).isoformat()


async def audited(moderator: Person, subject: str) -> list[str]:
    return [one["action"] for one in (await moderator.get("/moderation/audit", subject=subject))["entries"]]


async def test_a_message_is_deleted_once_and_its_author_is_told(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    sent = await bob.send(room, "bad")
    await put(ann, reaction(room, sent, "👎"))

    for _ in range(2):
        assert await mod.delete(f"/moderation/messages/{sent['id']}?reason=insults") == {"success": True}

    assert [one["type"] for one in await log_of(ann, room)].count("message.deleted") == 1
    [notice] = (await bob.get("/api/me/notices"))["notices"]
    assert (notice["action"], notice["reason"], notice["conversationId"]) == ("delete", "insults", room)
    assert await audited(mod, sent["id"]) == ["message.delete"]
    assert (await mod.delete(f"/moderation/messages/{new_id()}", 404))["code"] == "no_such_message"


async def test_a_message_is_repeated_and_deleted_also_where_nobody_is_left(rest: Rest) -> None:
    server, ann = await rest.key("conversations", "messages", "moderation"), rest.person()
    body = {"participantIds": [ann.id], "isGroup": True}
    room = (await server.ask("POST", "/server/conversations", body, 201))["conversation"]["id"]
    await server.ask("PUT", f"/server/conversations/{room}/members", {"remove": [ann.id]})
    said = {"kind": "system", "text": "hello", "clientId": "c1"}

    sent = (await server.ask("POST", f"/server/conversations/{room}/messages", said, 201))["message"]
    again = await server.ask("POST", f"/server/conversations/{room}/messages", said)

    assert (again["message"]["id"], again["message"]["status"]) == (sent["id"], "sent")
    assert await server.ask("DELETE", f"/server/moderation/messages/{sent['id']}") == {"success": True}


async def test_a_ban_ends_by_itself_and_the_same_again_is_noted_once(rest: Rest) -> None:
    _, bob, mod, room = await scene(rest)
    ban = f"/moderation/users/{bob.id}/ban"
    for _ in range(2):
        await mod.put(ban, {"reason": "insults", "until": "2090-01-01T00:00:00Z"})
    await bob.send(room, "x", 403)
    assert await audited(mod, bob.id) == ["user.ban"]
    await mod.put(ban, {"reason": "worse"})  # for ever now
    await mod.delete(ban)
    await bob.send(room, "back")
    assert await audited(mod, bob.id) == ["user.unban", "user.ban", "user.ban"]

    await mod.put(ban, {"reason": "a moment", "until": soon(seconds=-1)})
    await bob.send(room, "the ban is over")
    elsewhere = Refusals(rest.parts.pool)
    await elsewhere.refresh()
    assert elsewhere.judge(Identity(bob.id, Profile("bob"), None, float("inf"), "authenticated")) is None
    assert (await rest.ask_internal("/internal/sessions", {"users": [{"id": bob.id, "handle": "bob"}]}))["sessions"][
        0
    ].get("banned", False) is False
    await mod.put(ban, {"until": "2090-01-01T00:00:00Z"}, 400)
    await mod.put(ban, {"reason": "x", "until": "tomorrow"}, 400)


async def test_who_is_muted_says_nothing_in_that_conversation_until_then(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    other = await bob.start(rest.person("cid"))
    sent = await bob.send(room, "before", clientId="c1")
    mute = f"/moderation/conversations/{room}/mutes/{bob.id}"
    until = "2090-01-01T00:00:00.000Z"

    await mod.put(mute, {"until": until, "reason": "insults"})

    refused = await bob.send(room, "x", 403)
    assert (refused["code"], refused["until"]) == ("muted", until)
    assert (await bob.send(room, "before", 200, clientId="c1"))["id"] == sent["id"]
    assert (await patch(bob, of(room, sent), {"text": "x"}, 403))["code"] == "muted"
    assert (await put(bob, reaction(room, sent, "👍"), 403))["code"] == "muted"
    assert (await put(bob, of(room, sent, "/pin"), 403))["code"] == "muted"
    await bob.send(other, "elsewhere")
    await ann.send(room, "the others may")
    assert await bob.delete(of(room, sent)) == {"success": True}
    [notice] = (await bob.get("/api/me/notices"))["notices"]
    assert (notice["action"], notice["until"], notice["conversationId"]) == ("mute", until, room)

    assert await mod.delete(mute) == {"success": True}
    await bob.send(room, "again")
    await mod.put(mute, {"until": soon(seconds=-1), "reason": "over"})
    await bob.send(room, "it is over")
    await mod.put(f"/moderation/conversations/{room}/mutes/{new_id()}", {"until": until, "reason": "x"}, 404)
    assert await audited(mod, bob.id) == ["user.mute", "user.unmute", "user.mute"]


async def test_joined_sends_of_one_muted_and_one_who_is_not_are_judged_apart(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    await mod.put(f"/moderation/conversations/{room}/mutes/{bob.id}", {"until": soon(days=1), "reason": "x"})
    drafts = [(room, draft(one.id)) for one in (bob, ann, bob, ann)]
    outcomes = await messages.send_joined(rest.parts.pool, drafts)

    assert [type(one) for one in outcomes] == [Muted, Sent, Muted, Sent]
    assert [one.message.seq for one in outcomes if isinstance(one, Sent)] == [1, 2]


async def test_the_queue_shows_penalties_that_are_in_force_and_mutes_everywhere(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    other = await bob.start(ann, bountyId=2)
    await report(ann, await bob.send(room, "x"))
    [item] = await queue(mod)

    done = (await resolve(mod, item, "mute", scope="all", days=2))["item"]

    assert sorted(done["author"]["mutedIn"]) == sorted([room, other])
    await bob.send(other, "x", 403)
    await mod.put(f"/moderation/users/{bob.id}/ban", {"reason": "x", "until": "2090-01-01T00:00:00Z"})
    author = (await mod.get(f"/moderation/items/{item['id']}"))["item"]["author"]
    assert (author["banned"], author["bannedUntil"]) == (True, "2090-01-01T00:00:00.000Z")


async def test_evidence_goes_a_while_after_the_decision_and_the_backlog_is_measured(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    await report(ann, await bob.send(room, "one"))
    await report(ann, await bob.send(room, "two"))
    first, _ = await queue(mod)
    pool = rest.parts.pool
    await pool.execute("UPDATE review_items SET created_at = created_at - interval '21 hours'")
    await upkeep.sample(pool)
    assert (upkeep.OPEN._value.get(), upkeep.OLDEST_SECONDS._value.get() > 20 * 3600) == (2, True)
    await resolve(mod, first, "dismiss")
    assert await upkeep.sweep(pool, 180) == 0
    await pool.execute("UPDATE review_items SET resolved_at = resolved_at - interval '181 days'")
    assert await upkeep.sweep(pool, 180) == 1
    assert await pool.fetchval("SELECT count(*) FROM reports") == 1
    assert len(await queue(mod)) == 1


async def test_by_key_the_same_routes_stand_below_server(rest: Rest) -> None:
    ann, bob, _, room = await scene(rest)
    sent = await bob.send(room, "bad")
    server = await rest.key("moderation")
    await server.ask("DELETE", f"/server/moderation/messages/{sent['id']}")
    assert (await log_of(ann, room))[-1]["by"] == "moderator"


async def test_a_group_is_slowed_and_freed_at_once(rest: Rest) -> None:
    ann, bob, mod, direct = await scene(rest)
    group = await ann.start(bob, rest.person("cid"))
    slow = f"/moderation/conversations/{group}/slow"

    await mod.put(slow, {"seconds": 3600})

    assert (await ann.get(f"/api/conversations/{group}"))["conversation"]["settings"]["slowSeconds"] == 3600
    changed = (await log_of(bob, group))[-1]
    assert (changed["type"], changed["settings"]["slowSeconds"]) == ("conversation.changed", 3600)
    await bob.send(group, "one")
    assert (await bob.send(group, "two", 429))["code"] == "slow"
    for text in ("the owner", "does not wait"):
        await ann.send(group, text)
    server = await rest.key("messages")
    for text in ("nor does", "a key"):
        said = {"senderId": bob.id, "text": text, "clientId": text}
        await server.ask("POST", f"/server/conversations/{group}/messages", said, 201)
        await server.ask("POST", f"/server/conversations/{group}/messages", said, 200)
    await mod.put(slow, {"seconds": 0})
    await bob.send(group, "freed")
    assert await audited(mod, group) == ["conversation.slow"] * 2
    await mod.put(slow, {"seconds": 3601}, 400)
    await mod.put(f"/moderation/conversations/{direct}/slow", {"seconds": 1}, 409)
    await mod.put(f"/moderation/conversations/{new_id()}/slow", {"seconds": 1}, 404)
    await bob.put(slow, {"seconds": 0}, 403)


async def test_adding_people_to_a_group_leaves_out_whom_a_block_keeps_apart(rest: Rest) -> None:
    ann, bob, _, _ = await scene(rest)
    dan = rest.person("dan")
    group = await ann.start(rest.person("cid"), rest.person("eve"))
    await ann.put(f"/api/blocks/{bob.id}")
    body = {"userIds": [bob.id, dan.id]}
    assert (await ann.post(f"/api/conversations/{group}/members", body))["added"] == [dan.id]
