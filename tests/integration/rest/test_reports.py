"""Reports, and what moderators do with them."""

from typing import Any

import orjson
import pytest

from shared.ids import new_id
from shared.setting_forms import Bucket
from tests.integration.rest.conftest import Person, Rest, serving
from tests.integration.rest.test_touches import of, patch

Json = Any
ITEMS = "/moderation/items"


async def report(person: Person, message: Json, reason: str = "spam", status: int = 201, **fields: Any) -> Json:
    where = {"messageId": message["id"], "conversationId": message["conversationId"]}
    return (await person.post("/api/reports", {**where, "reason": reason, **fields}, status)).get("report")


async def queue(moderator: Person, **query: str) -> list[Json]:
    params: dict[str, Any] = query
    return list((await moderator.get(ITEMS, **params))["items"])


async def resolve(moderator: Person, item: Json, action: str, status: int = 200, **fields: Any) -> Json:
    version = fields.pop("version", None)
    headers = {"If-Match": str(version)} if version is not None else {}
    body = orjson.dumps({"action": action, "reason": "rule 3", **fields})
    response = await moderator.http.post(
        f"{ITEMS}/{item['id']}/resolve", data=body, headers={"Authorization": f"Bearer {moderator.token}", **headers}
    )
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def scene(rest: Rest) -> tuple[Person, Person, Person, str]:
    ann, bob, mod = rest.person("ann"), rest.person("bob"), await rest.moderator()
    return ann, bob, mod, await ann.start(bob)


async def test_a_report_copies_what_stood_there_and_around_it_from_the_database(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    for number in range(12):
        await ann.send(room, f"before {number}")
    sent = await bob.send(room, "bad words", mediaUrl="https://a.example/x.jpg")
    for number in range(7):
        await ann.send(room, f"after {number}")

    made = await report(ann, sent, "hate", text=" look ")

    [item] = await queue(mod)
    assert (item["kind"], item["state"], item["reports"], item["reasons"]) == ("message", "open", 1, ["hate"])
    assert (item["target"], item["conversationId"], item["claimedBy"]) == (sent["id"], room, None)
    assert (item["author"]["id"], item["author"]["handle"], item["author"]["priorActions"]) == (bob.id, "bob", 0)
    whole = await mod.get(f"{ITEMS}/{item['id']}")
    evidence, context = whole["item"]["evidence"], whole["item"]["context"]
    assert (evidence["text"], evidence["mediaUrl"], evidence["senderId"]) == (sent["text"], sent["mediaUrl"], bob.id)
    assert evidence["createdAt"] == sent["createdAt"]
    expected = [f"before {number}" for number in range(2, 12)] + [f"after {number}" for number in range(5)]
    assert [one["text"] for one in context] == expected
    [one] = whole["reports"]
    assert (one["id"], one["reporterId"], one["reason"], one["text"]) == (made["id"], ann.id, "hate", "look")
    audited = (await mod.get("/moderation/audit", subject=item["id"]))["entries"]
    assert [entry["action"] for entry in audited] == ["item.read"]


async def test_evidence_outlives_message_conversation_and_edits(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    sent = await bob.send(room, "first words")
    await report(ann, sent)
    await patch(bob, of(room, sent), {"text": "other words"})
    await bob.delete(of(room, sent))
    await rest.ask_internal("/internal/purge", {"conversations": [room]})

    [item] = await queue(mod)
    whole = await mod.get(f"{ITEMS}/{item['id']}")
    assert whole["item"]["evidence"]["text"] == "first words"
    await resolve(mod, item, "delete")  # of what is gone: closed all the same


async def test_the_same_report_again_is_the_first_one(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    sent = await bob.send(room, "x")
    first = await report(ann, sent, "spam")
    assert await report(ann, sent, "hate", 200) == first
    person = {"userId": bob.id, "reason": "scam"}
    assert (await ann.post("/api/reports", person, 201)) == (await ann.post("/api/reports", person, 200))
    assert {(one["kind"], one["reports"]) for one in await queue(mod)} == {("message", 1), ("user", 1)}


async def test_only_what_one_shares_or_shared_can_be_reported(rest: Rest) -> None:
    ann, bob, _, room = await scene(rest)
    eve = rest.person("eve")
    sent = await bob.send(room, "x")
    await report(eve, sent, status=403)
    await eve.post("/api/reports", {"userId": bob.id, "reason": "spam"}, 403)
    await ann.post("/api/reports", {"userId": ann.id, "reason": "spam"}, 403)
    await report(ann, {"id": new_id(), "conversationId": room}, status=404)
    await report(ann, {"id": sent["id"], "conversationId": new_id()}, status=403)
    await ann.put(f"/api/blocks/{bob.id}")
    await report(ann, sent)  # also of whom one blocks
    await ann.post("/api/reports", {"userId": bob.id, "reason": "harassment"}, 201)


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "spam"},
        {"userId": "x", "reason": "spam"},
        {"userId": new_id()},
        {"userId": new_id(), "reason": "boring"},
        {"messageId": new_id(), "reason": "spam"},
        {"userId": new_id(), "messageId": new_id(), "conversationId": new_id(), "reason": "spam"},
        {"userId": new_id(), "reason": "spam", "text": "x" * 1001},
    ],
)
async def test_a_report_of_neither_or_both_or_without_a_known_reason_is_malformed(rest: Rest, body: Json) -> None:
    assert (await rest.person().post("/api/reports", body, 400))["code"] == "malformed"


async def test_the_queue_shows_child_safety_first_then_the_highest_score_then_the_oldest(rest: Rest) -> None:
    ann, bob, mod, _ = await scene(rest)
    cid = rest.person("cid")
    group = await ann.start(bob, cid)
    old, later, child = [await bob.send(group, text) for text in ("old", "later", "child")]
    many = await ann.send(group, "many")
    await report(ann, old, "spam")
    await report(ann, later, "spam")
    for person in (bob, cid):
        await report(person, many, "violence")
    await report(cid, child, "child_safety")

    items = await queue(mod)

    assert [one["target"] for one in items] == [one["id"] for one in (child, many, old, later)]
    assert [one["score"] for one in items] == [1_000_005, 8, 1, 1]
    pages, cursor = [], ""
    while True:
        page = await mod.get(ITEMS, limit=1, **({"cursor": cursor} if cursor else {}))  # type: ignore[arg-type]
        pages += page["items"]
        if (cursor := page["nextCursor"] or "") == "":
            break
    assert pages == items
    assert [one["target"] for one in await queue(mod, userId=ann.id)] == [many["id"]]
    assert await queue(mod, kind="user") == await queue(mod, state="resolved") == []


async def test_who_claims_an_item_has_it_for_a_while(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    other = await rest.moderator("other")
    await report(ann, await bob.send(room, "x"))
    [item] = await queue(mod)
    claim = f"{ITEMS}/{item['id']}/claim"

    assert (await mod.post(claim, {}))["item"]["claimedBy"] == mod.id
    assert (await mod.post(claim, {}))["item"]["state"] == "claimed"
    refused = await other.post(claim, {}, 409)
    assert (refused["code"], refused["claimedBy"]) == ("claimed", mod.id)
    assert (await resolve(other, item, "dismiss", 409))["claimedBy"] == mod.id
    assert await queue(mod, state="open") == []
    await rest.parts.pool.execute("UPDATE review_items SET claimed_until = now()")
    await other.post(claim, {})
    await other.post(f"{ITEMS}/{new_id()}/claim", {}, 404)


async def test_of_two_moderators_one_decides_and_the_other_is_told(rest: Rest) -> None:
    ann, bob, mod, _ = await scene(rest)
    other, cid = await rest.moderator("other"), rest.person("cid")
    group = await ann.start(bob, cid)
    sent = await bob.send(group, "x")
    await report(ann, sent)
    [item] = await queue(mod)
    assert (await mod.ask("GET", f"{ITEMS}/{item['id']}")).headers["ETag"] == '"1"'
    await report(cid, sent)

    assert (await resolve(mod, item, "dismiss", 409, version=1))["code"] == "changed"
    done = (await resolve(mod, item, "dismiss", version=2))["item"]
    assert (done["state"], done["action"], done["reason"], done["resolvedBy"]) == (
        "resolved", "dismiss", "rule 3", mod.id,
    )  # fmt: skip
    assert (await resolve(other, item, "delete", 409))["code"] == "changed"
    assert (await resolve(other, {"id": new_id()}, "dismiss", 404))["code"] == "not_found"
    assert [one["id"] for one in await queue(mod, state="resolved")] == [item["id"]]
    await report(ann, await bob.send(group, "y"))
    [next_one] = await queue(mod)
    assert (await resolve(mod, next_one, "approve", 400))["field"] == "action"


async def test_a_decision_deletes_bans_and_tells_the_author_why_but_not_who_reported(rest: Rest) -> None:
    ann, bob, mod, room = await scene(rest)
    sent = await bob.send(room, "bad")
    await report(ann, sent)
    [item] = await queue(mod)

    await resolve(mod, item, "delete_and_ban", days=3, note="again")

    [message] = (await ann.get(f"/api/conversations/{room}/messages"))["messages"]
    assert (message["text"], message["by"], message["deletedBy"]) == ("", "moderator", None)
    event = (await ann.post("/api/sync", {"conversations": {room: 0}}))["conversations"][room]["events"][-1]
    assert (event["type"], event["by"], event["deletedBy"]) == ("message.deleted", "moderator", None)
    assert (await bob.get("/api/me/notices", 403))["code"] == "forbidden"
    await mod.delete(f"/moderation/users/{bob.id}/ban")
    notices = (await bob.get("/api/me/notices"))["notices"]
    assert [(one["action"], one["reason"], one["messageId"]) for one in notices] == [
        ("delete", "rule 3", sent["id"]),
        ("ban", "rule 3", None),
    ]
    assert notices[0]["until"] is None
    assert notices[1]["until"] > notices[1]["createdAt"]
    assert ann.id not in str(notices)
    page = await bob.get("/api/me/notices", limit=1)
    assert (await bob.get("/api/me/notices", cursor=page["nextCursor"]))["notices"] == notices[1:]


async def test_reports_are_limited(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, new_reports=Bucket(0.001, 2)) as rest:
        ann, bob, _, room = await scene(rest)
        for number in range(3):
            sent = await bob.send(room, str(number))
            await report(ann, sent, status=429 if number == 2 else 201)


async def test_a_route_of_moderators_is_for_nobody_else(rest: Rest) -> None:
    ann, some = rest.person("ann"), new_id()
    for method, path in (
        ("GET", ITEMS),
        ("GET", f"{ITEMS}/{some}"),
        ("POST", f"{ITEMS}/{some}/claim"),
        ("POST", f"{ITEMS}/{some}/resolve"),
        ("DELETE", f"/moderation/messages/{some}"),
        ("PUT", f"/moderation/users/{some}/ban"),
        ("DELETE", f"/moderation/users/{some}/ban"),
        ("PUT", f"/moderation/conversations/{some}/mutes/{some}"),
        ("DELETE", f"/moderation/conversations/{some}/mutes/{some}"),
    ):
        assert (await ann.ask(method, path)).status == 403, path
