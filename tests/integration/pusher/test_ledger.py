"""The push ledger in Postgres: one push a message and device, whatever workers do."""

from collections.abc import AsyncIterator

import pytest

from persistence.conversations.creating import create
from persistence.conversations.views import Created
from persistence.database.pool import Pool, open_pool
from persistence.messages import send as messages
from persistence.messages.views import Draft, Sent
from persistence.push import devices
from persistence.push import ledger as push_ledger
from persistence.push import ledger_receipts as push_receipts
from persistence.push import targets as push_targets
from persistence.push.preferences import change_preferences
from shared import push_api
from shared.ids import new_id
from shared.streams import Deadline

ADA, BOB = new_id(), new_id()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def conversation_id(pool: Pool) -> str:
    created = await create(pool, ADA, [BOB], is_group=False, name=None, bounty_id=None)
    assert isinstance(created, Created)
    return created.conversation.id


async def say(pool: Pool, conversation_id: str, text: str) -> str:
    [outcome] = await messages.send(pool, conversation_id, [Draft(new_id(), ADA, text)])
    assert isinstance(outcome, Sent)
    return outcome.message.id


async def target(pool: Pool, conversation_id: str, message_id: str) -> push_api.Target:
    [found] = await push_targets.targets(pool, [push_api.Addressee(conversation_id, message_id, [BOB])])
    return found


def claim_of(found: push_api.Target, device: push_api.Device) -> push_api.Claim:
    return push_api.Claim(
        found.conversation_id, found.message_id, found.seq, found.user_id, device.id, device.registered_at_us
    )


def outcome_of(claim: push_api.Claim, state: str, **more: object) -> push_api.Outcome:
    return push_api.Outcome(claim.conversation_id, claim.message_id, claim.user_id, claim.device_id, state, **more)  # type: ignore[arg-type]


async def test_a_target_has_every_fact_that_decides_the_push(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", "phone", "ios")
    await change_preferences(pool, BOB, {"preview": "sender", "time_zone": "Europe/Berlin"}, {})
    await say(pool, conversation_id, "one")
    message_id = await say(pool, conversation_id, "two")

    found = await target(pool, conversation_id, message_id)

    assert (found.text, found.sender_id, found.seq, found.badge) == ("two", ADA, 2, 2)
    assert (found.preview, found.time_zone, found.messages_enabled) == ("sender", "Europe/Berlin", True)
    assert [(device.token, device.platform) for device in found.devices] == [("ExponentPushToken[b]", "ios")]


async def test_a_claim_is_granted_to_one_worker_and_never_again_once_sent(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])

    assert await push_ledger.claim(pool, [claim], 30) == ["granted"]
    assert await push_ledger.claim(pool, [claim], 30) == ["busy"]
    await push_ledger.settle(pool, [outcome_of(claim, "sent", ticket_id="t1")], [])
    assert await push_ledger.claim(pool, [claim], 30) == ["done"]


async def test_an_ambiguous_call_is_repeated_at_most_twice(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])

    verdicts = []
    for _ in range(4):
        verdicts += await push_ledger.claim(pool, [claim], 30)
        await push_ledger.settle(pool, [outcome_of(claim, "ambiguous", reason="ReadTimeout")], [])

    assert verdicts == ["granted", "granted", "granted", "done"]


async def test_what_expo_did_not_take_may_be_tried_without_end(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])

    for _ in range(6):
        assert await push_ledger.claim(pool, [claim], 30) == ["granted"]
        await push_ledger.settle(pool, [outcome_of(claim, "retry", reason="TOO_MANY_REQUESTS")], [])


async def test_a_dead_workers_claim_is_granted_again_when_its_lease_ran_out(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])

    assert await push_ledger.claim(pool, [claim], 0) == ["granted"]
    assert await push_ledger.claim(pool, [claim], 30) == ["granted"]


async def test_a_dead_token_is_removed_unless_it_was_registered_again(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[gone]", None, None)
    await devices.register(pool, BOB, "ExponentPushToken[back]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claims = [claim_of(found, device) for device in found.devices]
    assert await push_ledger.claim(pool, claims, 30) == ["granted", "granted"]

    await devices.register(pool, BOB, "ExponentPushToken[back]", None, None)
    dead = [outcome_of(claim, "rejected", reason="DeviceNotRegistered", dead_token=True) for claim in claims]
    await push_ledger.settle(pool, dead, [])

    after = await target(pool, conversation_id, await say(pool, conversation_id, "still there?"))
    assert [device.token for device in after.devices] == ["ExponentPushToken[back]"]


async def test_a_token_that_was_new_at_the_second_try_is_removed_if_it_is_dead(
    pool: Pool, conversation_id: str
) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    message_id = await say(pool, conversation_id, "hi")
    first = await target(pool, conversation_id, message_id)
    assert await push_ledger.claim(pool, [claim_of(first, first.devices[0])], 0) == ["granted"]
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)

    found = await target(pool, conversation_id, message_id)
    claim = claim_of(found, found.devices[0])
    assert await push_ledger.claim(pool, [claim], 30) == ["granted"]
    dead = outcome_of(claim, "rejected", reason="DeviceNotRegistered", dead_token=True)
    await push_ledger.settle(pool, [dead], [])

    assert (await target(pool, conversation_id, message_id)).devices == []


async def test_what_is_pushed_again_is_asked_for_a_receipt_as_often_as_the_first_time(
    pool: Pool, conversation_id: str
) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])

    await push_ledger.claim(pool, [claim], 30)
    await push_ledger.settle(pool, [outcome_of(claim, "sent", ticket_id="t1")], [])
    for receipt in (None, None, "ProviderError"):
        await look_for_receipt(pool, receipt)
    assert await push_ledger.claim(pool, [claim], 30) == ["granted"]
    await push_ledger.settle(pool, [outcome_of(claim, "sent", ticket_id="t2")], [])
    for _ in range(3):
        await look_for_receipt(pool, None)
    assert await pool.fetchval("SELECT receipt FROM push_ledger") is None, "one look is left"
    await look_for_receipt(pool, None)

    assert await pool.fetchval("SELECT receipt FROM push_ledger") == "missing"


async def look_for_receipt(pool: Pool, receipt: str | None) -> None:
    """As if it were time to: finds this one, or none yet."""
    await pool.execute("UPDATE push_ledger SET receipt_due_at = now()")
    [due] = await push_receipts.due_receipts(pool, 10, 60)
    again = receipt is not None
    found = push_api.ReceiptOutcome(due.conversation_id, due.message_id, due.device_id, receipt, again=again)
    await push_receipts.settle_receipts(pool, [found])


async def test_a_text_is_given_as_far_as_a_notification_shows_it(pool: Pool, conversation_id: str) -> None:
    """A pusher that holds a large group's targets must not hold the text a thousand times. One character more than the
    120 that are shown tells it that the text goes on."""
    found = await target(pool, conversation_id, await say(pool, conversation_id, "\U0001f600" * 2000))

    assert found.text == "\U0001f600" * 121


async def test_a_token_moves_to_whoever_registered_it_last(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[x]", None, None)
    await devices.register(pool, ADA, "ExponentPushToken[x]", None, None)

    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))

    assert found.devices == []


async def test_a_device_that_registers_a_new_token_has_only_that_one(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[old]", "phone", "android")
    await devices.register(pool, BOB, "ExponentPushToken[new]", "phone", "android")

    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))

    assert [device.token for device in found.devices] == ["ExponentPushToken[new]"]


async def test_nobody_forgets_another_users_token(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)

    await devices.forget(pool, ADA, "ExponentPushToken[b]")

    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    assert len(found.devices) == 1
    await devices.forget(pool, BOB, "ExponentPushToken[b]")
    assert (await target(pool, conversation_id, found.message_id)).devices == []


async def test_laggards_are_those_with_a_device_who_neither_read_nor_attended(pool: Pool, conversation_id: str) -> None:
    message_id = await say(pool, conversation_id, "hi")
    deadline = Deadline(conversation_id, 1, message_id, ADA, 0)
    assert await push_targets.laggards(pool, [deadline]) == [[]], "nobody could tell who has none"

    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)

    assert await push_targets.laggards(pool, [deadline]) == [[BOB]]


async def test_a_receipt_is_asked_for_until_it_came(pool: Pool, conversation_id: str) -> None:
    await devices.register(pool, BOB, "ExponentPushToken[b]", None, None)
    found = await target(pool, conversation_id, await say(pool, conversation_id, "hi"))
    claim = claim_of(found, found.devices[0])
    await push_ledger.claim(pool, [claim], 30)
    await push_ledger.settle(pool, [outcome_of(claim, "sent", ticket_id="t1")], [])
    assert await push_receipts.due_receipts(pool, 10, 60) == [], "not before a quarter of an hour"

    await pool.execute("UPDATE push_ledger SET receipt_due_at = now(), updated_at = now() - interval '2 hours'")
    [due] = await push_receipts.due_receipts(pool, 10, 60)
    assert await push_receipts.due_receipts(pool, 10, 60) == [], "leased"
    missing = push_api.ReceiptOutcome(due.conversation_id, due.message_id, due.device_id, None)
    await push_receipts.settle_receipts(pool, [missing])
    [again] = await push_receipts.due_receipts(pool, 10, 60)
    assert again.ticket_id == "t1", "an hour after the send is over"

    dead = push_api.ReceiptOutcome(due.conversation_id, due.message_id, due.device_id, "DeviceNotRegistered", True)
    await push_receipts.settle_receipts(pool, [dead])
    after = await target(pool, conversation_id, await say(pool, conversation_id, "still there?"))
    assert after.devices == []
