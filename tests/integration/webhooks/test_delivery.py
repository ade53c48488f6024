"""Every event comes to every webhook that wants it, at least once and under one id, whatever endpoints and we do."""

import asyncio
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from persistence.messages.expiry import Expiry
from persistence.webhooks.endings import endings
from shared import push_api
from shared.ids import new_id
from tests.integration.rest.conftest import Person
from tests.integration.webhooks.conftest import HOOKS, World
from tests.integration.webhooks.endpoint import (
    Behaviour,
    answering,
    backend,
    cut,
    endless,
    never,
)
from tests.integration.webhooks.waiting import settled
from tests.support.waiting import eventually


async def friends(world: World) -> tuple[Person, Person, str]:
    ann, bob = world.rest.person(), world.rest.person("bob")
    return ann, bob, await ann.start(bob)


async def test_an_event_is_told_signed_as_standard_webhooks_are(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        sent = await ann.send(room, "hello", clientId="c1")
        await eventually(lambda: len(app.requests) == 1)

        [got] = app.requests
        told = Webhook(webhook["secret"]).verify(got.body, got.headers)
        assert told == got.json
        assert (told["type"], told["timestamp"]) == ("message.new", sent["createdAt"])
        assert told["data"] | {"conversationId": room, "seq": 1, "text": "hello", "senderId": ann.id} == told["data"]
        with pytest.raises(WebhookVerificationError):
            Webhook(webhook["secret"]).verify(got.body + b" ", got.headers)
        await eventually(lambda: _all(world, webhook, "delivered"))
        [listed] = await world.deliveries(webhook)
        assert listed | {"id": got.id, "state": "delivered", "attempts": 1, "lastStatus": 200} == listed
        assert listed["answer"] == "ok"


async def _all(world: World, webhook: dict[str, Any], state: str, count: int = 1) -> bool:
    listed = await world.deliveries(webhook, limit="100")
    return len(listed) == count and all(one["state"] == state for one in listed)


async def test_each_webhook_is_told_what_it_named_and_a_star_is_no_reaction(world: World) -> None:
    async with backend() as all_of_it, backend() as deletions, backend() as reactions, world.delivering():
        await world.webhook(all_of_it)
        await world.webhook(deletions, "message.deleted")
        await world.webhook(reactions, "message.reaction", "message.deleted")
        ann, bob, room = await friends(world)
        sent = await ann.send(room, "hello")
        path = f"/api/conversations/{room}/messages/{sent['id']}"
        await bob.ask("PUT", f"{path}/reactions/%F0%9F%91%8D")
        await ann.delete(path)
        await eventually(lambda: [len(one.told()) for one in (all_of_it, deletions, reactions)] == [3, 1, 2])

        assert {kind for _, payload in all_of_it.told() for kind in [payload["type"]]} == {
            "conversation.created", "message.new", "message.deleted",
        }  # fmt: skip
        [created] = all_of_it.of("conversation.created")
        assert (created["conversationId"], created["createdBy"]) == (room, ann.id)
        assert [payload["type"] for _, payload in deletions.told()] == ["message.deleted"]
        assert [one["text"] for one in all_of_it.of("message.new")] in ([""], ["hello"])


async def test_events_come_in_batches_each_with_its_id(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app:
        webhook = await world.webhook(app, "message.new", batch=10)
        for number in range(25):
            await ann.send(room, str(number))
        await eventually(lambda: _all(world, webhook, "waiting", 25))
        async with world.delivering():
            await eventually(lambda: _all(world, webhook, "delivered", 25))
        assert [len(one.json["data"]["events"]) for one in app.requests] == [10, 10, 5]
        assert len({key for key, _ in app.told()}) == 25
        assert sorted(one["seq"] for one in app.of("message.new")) == list(range(1, 26))
        Webhook(webhook["secret"]).verify(app.requests[0].body, app.requests[0].headers)


@pytest.mark.parametrize(
    ("does", "status", "words"),
    [
        (answering(500), 500, "answered 500"),
        (answering(404), 404, "answered 404"),
        (answering(302, Location="http://169.254.169.254/"), 302, "a redirect is not followed"),
        (cut, None, "not reached: ServerDisconnectedError"),
    ],
)
async def test_what_fails_is_tried_again_under_the_same_id(
    does: Behaviour, status: int | None, words: str, world: World
) -> None:
    ann, _, room = await friends(world)
    async with backend(does) as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        await ann.send(room, "hello")
        await eventually(lambda: _attempted(world, webhook, 1))
        [failed] = await world.deliveries(webhook)
        assert (failed["state"], failed["lastStatus"], failed["lastError"]) == ("waiting", status, words)
        assert (await world.server.ask("GET", f"{HOOKS}/{webhook['id']}"))["webhook"]["failingSince"] is not None

        app.does = None
        await world.due_now()
        await eventually(lambda: _all(world, webhook, "delivered"))
        assert len({got.id for got in app.requests}) == 1
        assert (await world.server.ask("GET", f"{HOOKS}/{webhook['id']}"))["webhook"]["failingSince"] is None


async def _attempted(world: World, webhook: dict[str, Any], times: int) -> bool:
    return any(one["attempts"] >= times for one in await world.deliveries(webhook))


async def test_an_answer_without_an_end_is_cut_off_and_counts_by_its_status(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend(endless) as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        await ann.send(room, "hello")
        await eventually(lambda: _all(world, webhook, "delivered"))
        assert len((await world.deliveries(webhook))[0]["answer"]) == 1024


async def test_an_endpoint_that_never_answers_starves_no_other(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend(never) as stuck, backend() as quick, world.delivering():
        await world.webhook(stuck, "message.new")
        works = await world.webhook(quick, "message.new")
        for number in range(40):
            await ann.send(room, str(number))
        await eventually(lambda: _all(world, works, "delivered", 40))
        assert len(stuck.requests) <= 16


async def test_what_was_under_way_when_the_service_died_is_told_again_under_its_id(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend(never) as app:
        webhook = await world.webhook(app, "message.new")
        sent = [await ann.send(room, str(number)) for number in range(5)]
        async with world.delivering(lease_seconds=0.5):
            await eventually(lambda: len(app.requests) == 5)
        app.does = None
        async with world.delivering(lease_seconds=0.5), world.delivering(lease_seconds=0.5):
            await eventually(lambda: _all(world, webhook, "delivered", 5))
    by_seq: dict[int, set[str]] = {}
    for key, payload in app.told():
        by_seq.setdefault(payload["data"]["seq"], set()).add(key)
    assert {seq: len(ids) for seq, ids in by_seq.items()} == {one["seq"]: 1 for one in sent}


async def test_an_endpoint_that_is_gone_is_disabled_and_the_others_are_told(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend(answering(410)) as gone, backend() as other, world.delivering():
        webhook = await world.webhook(gone, "message.new")
        await world.webhook(other, "webhook.disabled")
        await ann.send(room, "hello")
        await eventually(lambda: len(other.of("webhook.disabled")) == 1)
        assert other.of("webhook.disabled")[0]["webhookId"] == webhook["id"]
        shown = (await world.server.ask("GET", f"{HOOKS}/{webhook['id']}"))["webhook"]
        assert (shown["state"], shown["disabledReason"]) == ("disabled", "the endpoint answered 410")

        gone.does = None
        await ann.send(room, "not told")
        await eventually(lambda: settled(world.rest))
        enabled = await world.server.ask("PATCH", f"{HOOKS}/{webhook['id']}", {"active": True})
        assert enabled["webhook"]["state"] == "active"
        await world.due_now()
        await eventually(lambda: _all(world, webhook, "delivered"))


async def test_an_endpoint_that_failed_for_five_days_is_disabled(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend(answering(500)) as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        await world.rest.parts.pool.execute("UPDATE webhooks SET failing_since = now() - interval '5 days 1 minute'")
        await ann.send(room, "hello")
        await eventually(lambda: _is(world, webhook, "disabled"))


async def _is(world: World, webhook: dict[str, Any], state: str) -> bool:
    shown: dict[str, Any] = (await world.server.ask("GET", f"{HOOKS}/{webhook['id']}"))["webhook"]
    return bool(shown["state"] == state)


async def test_what_was_deleted_before_it_was_told_is_told_without_its_words(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app:
        webhook = await world.webhook(app, "message.new")
        sent = await ann.send(room, "a secret")
        await eventually(lambda: _all(world, webhook, "waiting"))
        await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")
        async with world.delivering():
            await eventually(lambda: len(app.requests) == 1)
        assert b"a secret" not in app.requests[0].body
        assert app.of("message.new")[0]["deletedAt"]


async def test_what_is_gone_is_told_once_as_gone(world: World) -> None:
    from persistence.conversations import store as conversations

    ann, _, room = await friends(world)
    async with backend(answering(500)) as app:
        webhook = await world.webhook(app, "message.new")
        await ann.send(room, "hello")
        await eventually(lambda: _all(world, webhook, "waiting"))
        await conversations.purge(world.rest.parts.pool, [room])
        async with world.delivering():
            await eventually(lambda: _all(world, webhook, "failed"))
        assert app.of("message.new") == [{"conversationId": room, "seq": 1, "gone": True}]


async def test_both_secrets_sign_for_a_day_after_a_rotation(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        fresh = (await world.server.ask("POST", f"{HOOKS}/{webhook['id']}/secret"))["secret"]
        await ann.send(room, "hello")
        await eventually(lambda: len(app.requests) == 1)
        for secret in (webhook["secret"], fresh):
            Webhook(secret).verify(app.requests[0].body, app.requests[0].headers)
        await world.rest.parts.pool.execute("UPDATE webhooks SET old_until = now()")
        await ann.send(room, "again")
        await eventually(lambda: len(app.requests) == 2)
        with pytest.raises(WebhookVerificationError):
            Webhook(webhook["secret"]).verify(app.requests[1].body, app.requests[1].headers)


async def test_deliveries_are_sent_again_under_their_ids(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        await ann.send(room, "one")
        await ann.send(room, "two")
        await eventually(lambda: _all(world, webhook, "delivered", 2))
        path, since = f"{HOOKS}/{webhook['id']}/replay", "2020-01-01T00:00:00Z"
        assert (await world.server.ask("POST", path, {"since": since}))["replayed"] == 0
        assert (await world.server.ask("POST", path, {"ids": [app.requests[0].id]}))["replayed"] == 1
        assert (await world.server.ask("POST", path, {"since": since, "state": "all"}))["replayed"] == 2
        await eventually(lambda: len(app.requests) >= 4)
        assert len({got.id for got in app.requests}) == 2
        await world.server.ask("POST", path, {}, 400)


async def test_a_test_waits_for_the_answer_also_where_the_endpoint_fails(world: World) -> None:
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new", batch=5)
        path = f"{HOOKS}/{webhook['id']}/test"
        told = (await world.server.ask("POST", path))["delivery"]
        assert (told["lastStatus"], told["lastError"]) == (200, None)
        app.does = answering(503)
        told = (await world.server.ask("POST", path))["delivery"]
        assert (told["lastStatus"], told["lastError"]) == (503, "answered 503")
        assert len(app.of("webhook.test")) == 2
        assert await _is(world, webhook, "active")
        assert (await world.server.ask("GET", f"{HOOKS}/{webhook['id']}"))["webhook"]["failingSince"] is None


async def test_events_start_in_the_order_of_their_seqs(world: World) -> None:
    ann, _, room = await friends(world)
    async with backend() as app:
        webhook = await world.webhook(app, "message.new", batch=100)
        await asyncio.gather(*(ann.send(room, str(number)) for number in range(60)))
        await eventually(lambda: _all(world, webhook, "waiting", 60))
        async with world.delivering():
            await eventually(lambda: len(app.told()) == 60)
        assert [one["seq"] for one in app.of("message.new")] == list(range(1, 61))


async def test_who_comes_into_a_group_and_who_goes_is_told(world: World) -> None:
    ann, bob, cat = (world.rest.person() for _ in range(3))
    async with backend() as app, world.delivering():
        await world.webhook(app, "member.joined", "member.left", "conversation.changed")
        room = await ann.start(bob, isGroup=True)
        members = f"/server/conversations/{room}/members"
        await world.server.ask("PUT", members, {"add": [cat.id]})
        await world.server.ask("PUT", members, {"remove": [bob.id]})
        await eventually(lambda: len(app.told()) == 4)

    [joined], [left] = app.of("member.joined"), app.of("member.left")
    assert (joined["userIds"], joined["members"][0]["id"], joined["conversationId"]) == ([cat.id], cat.id, room)
    assert (left["userIds"], left["seq"]) == ([bob.id], joined["seq"] + 1)
    assert len(app.of("conversation.changed")) == 2


async def test_a_block_a_report_and_what_a_moderator_did_are_told(world: World) -> None:
    ann, bob, room = await friends(world)
    moderator = await world.rest.moderator()
    async with backend() as app, world.delivering():
        await world.webhook(app, "user.blocked", "report.created", "moderation.action", "moderation.notice")
        sent = await bob.send(room, "rude")
        report = {"messageId": sent["id"], "conversationId": room, "reason": "harassment", "text": "see this"}
        made = await ann.post("/api/reports", report, 201)
        await ann.post("/api/reports", report, 200)
        for _ in range(2):  # the same again is no news
            assert (await ann.ask("PUT", f"/api/blocks/{bob.id}")).status == 200
        banned = await moderator.ask("PUT", f"/moderation/users/{bob.id}/ban", json={"reason": "rude"})
        assert banned.status == 200
        await eventually(lambda: len(app.told()) == 4)

    [notice] = app.of("moderation.notice")
    assert notice == {"userId": bob.id, "action": "ban", "reason": "rude", "until": None}
    assert app.of("user.blocked") == [{"userId": ann.id, "blockedId": bob.id}]
    [told] = app.of("report.created")
    assert (told["reportId"], told["reason"], told["messageId"]) == (made["report"]["id"], "harassment", sent["id"])
    assert b"see this" not in b"".join(one.body for one in app.requests)
    [action] = app.of("moderation.action")
    assert (action["operation"], action["actorId"], action["reason"]) == ("banUser", moderator.id, "rude")
    assert bob.id in action.values()


async def test_a_push_that_failed_for_good_is_told_once(world: World) -> None:
    _, bob, room = await friends(world)
    sent, phones = new_id(), [new_id() for _ in range(4)]
    claims = [push_api.Claim(room, sent, 1, bob.id, phone, 0) for phone in phones]
    refused = push_api.Outcome(room, sent, bob.id, phones[0], "rejected", reason="DeviceNotRegistered")
    taken = [push_api.Outcome(room, sent, bob.id, phone, "sent", ticket_id=f"t-{phone}") for phone in phones[1:]]
    receipts = [
        push_api.ReceiptOutcome(room, sent, phones[1], "InvalidCredentials"),
        push_api.ReceiptOutcome(room, sent, phones[2], "MessageRateExceeded", again=True),
        push_api.ReceiptOutcome(room, sent, phones[3], "ok"),
    ]
    async with backend() as app, world.delivering():
        await world.webhook(app, "push.failed")
        for path, asked in (
            (push_api.CLAIMS, push_api.ClaimsRequest(claims, 60.0)),
            (push_api.OUTCOMES, push_api.OutcomesRequest([refused, *taken], [])),
            (push_api.OUTCOMES, push_api.OutcomesRequest([refused], [])),
            (push_api.RECEIPT_OUTCOMES, push_api.ReceiptOutcomesRequest(receipts)),
        ):
            await world.rest.ask_internal(path, msgspec.to_builtins(asked))
        await eventually(lambda: len(app.told()) == 2)

    told = {one["deviceId"]: one for one in app.of("push.failed")}
    assert {phone: one["reason"] for phone, one in told.items()} == {
        phones[0]: "DeviceNotRegistered",
        phones[1]: "InvalidCredentials",
    }
    assert {(one["userId"], one["messageId"], one["conversationId"]) for one in told.values()} == {(bob.id, sent, room)}


async def test_a_message_that_ended_by_itself_is_told_as_deleted_once(world: World) -> None:
    ann, _, room = await friends(world)
    parts = world.rest.parts
    async with backend() as app, world.delivering():
        await world.webhook(app, "message.deleted")
        sent = await ann.send(room, "soon gone", expiresIn=60)
        await parts.pool.execute("UPDATE messages SET expires_at = now() - interval '1 second'")
        for _ in range(2):
            await Expiry(parts.pool, parts.delivery, endings(parts.hooks)).sweep()
        await eventually(lambda: len(app.told()) == 1)

    [told] = app.of("message.deleted")
    assert (told["messageId"], told["seq"], told["by"]) == (sent["id"], sent["seq"], "retention")
