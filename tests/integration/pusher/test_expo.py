"""The door to Expo: every answer that its API is known to give comes out as a value."""

import time
from collections.abc import AsyncIterator

import pytest

from pusher.calls import CALL_SIZE
from pusher.expo import Expo
from pusher.outcomes import Ambiguous, Apart, DeviceBusy, Late, Outcome, Rejected, Retry, Sent, Stopped
from pusher.pace import Slot
from pusher.rendering import Notification
from tests.support.fake_expo import FakeExpo, fake_expo


@pytest.fixture
async def server() -> AsyncIterator[FakeExpo]:
    async with fake_expo() as server:
        yield server


@pytest.fixture
async def expo(server: FakeExpo) -> AsyncIterator[Expo]:
    client = Expo(base_url=server.url, access_token="secret", answer_seconds=0.5)
    yield client
    await client.close()


def notifications(count: int) -> list[Notification]:
    return [Notification(f"ExpoPushToken[{number}]", {"title": "ada", "body": "Hello"}) for number in range(count)]


def any_time() -> Slot:
    now = time.monotonic()
    return Slot(now, now + 60)


async def test_a_full_batch_is_one_call_with_a_ticket_for_each(server: FakeExpo, expo: Expo) -> None:
    outcomes = await expo.send(notifications(CALL_SIZE), any_time())

    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len({outcome.ticket_id for outcome in outcomes if isinstance(outcome, Sent)}) == CALL_SIZE
    assert server.calls["ok"] == 1


async def test_a_dead_token_harms_nobody_else_in_its_batch(server: FakeExpo, expo: Expo) -> None:
    server.faults.unregistered = ["ExpoPushToken[1]"]

    first, second, third = await expo.send(notifications(3), any_time())

    assert isinstance(first, Sent)
    assert second == Rejected("DeviceNotRegistered", dead_token=True)
    assert isinstance(third, Sent)


async def test_tokens_of_another_project_are_set_apart_from_ours(server: FakeExpo, expo: Expo) -> None:
    server.faults.experiences = {"ExpoPushToken[2]": "@another/app"}

    outcomes = await expo.send(notifications(4), any_time())

    ours = Apart("PUSH_TOO_MANY_EXPERIENCE_IDS", "@parley/app")
    theirs = Apart("PUSH_TOO_MANY_EXPERIENCE_IDS", "@another/app", foreign=True)
    assert outcomes == [ours, ours, theirs, ours]
    assert server.accepted == []


async def test_a_batch_that_fails_for_one_of_it_is_halved_until_that_one_is_alone(server: FakeExpo, expo: Expo) -> None:
    server.faults.malformed = ["ExpoPushToken[1]"]

    halved = await expo.send(notifications(3), any_time())
    alone = await expo.send(notifications(2)[1:], any_time())

    assert halved == [Apart("VALIDATION_ERROR", group) for group in ("first", "second", "second")]
    assert alone == [Rejected("VALIDATION_ERROR")]


async def test_a_call_sets_out_within_its_slot_or_not_at_all(server: FakeExpo, expo: Expo) -> None:
    now = time.monotonic()

    early = await expo.send(notifications(1), Slot(now + 0.3, now + 60))
    arrived_after = time.monotonic() - now
    late = await expo.send(notifications(2), Slot(now, now + 0.1))

    assert isinstance(early[0], Sent)
    assert arrived_after >= 0.3
    assert late == [Late(), Late()]
    assert server.calls["arrived"] == 1, "who is late does not call"


@pytest.mark.parametrize("base", ["/expo", "/expo/", "/expo/--/api/v2", ""])
async def test_a_base_url_may_have_a_path(server: FakeExpo, base: str) -> None:
    client = Expo(base_url=server.url + base, access_token=None)

    assert isinstance((await client.send(notifications(1), any_time()))[0], Sent)
    await client.close()
    assert server.accepted[0].caller == ("expo" if base else "")


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ({"too_many_requests": 1.0}, Retry("TOO_MANY_REQUESTS", 1.0)),
        ({"error_before": 1.0}, Ambiguous("HTTP 503")),
        ({"error_after": 1.0}, Ambiguous("HTTP 502")),
        ({"hang_after": 1.0}, Ambiguous("ReadTimeout")),
        ({"access_token": "another"}, Stopped("UNAUTHORIZED")),
        ({"ticket_errors": {"ExpoPushToken[0]": "MessageTooBig"}}, Rejected("MessageTooBig")),
        ({"ticket_errors": {"ExpoPushToken[0]": "MismatchSenderId"}}, Rejected("MismatchSenderId")),
        ({"ticket_errors": {"ExpoPushToken[0]": "MessageRateExceeded"}}, DeviceBusy("MessageRateExceeded")),
        ({"ticket_errors": {"ExpoPushToken[0]": "InvalidCredentials"}}, Stopped("InvalidCredentials")),
        ({"ticket_errors": {"ExpoPushToken[0]": "ProviderError"}}, Ambiguous("ProviderError")),
    ],
)
async def test_every_fault_has_its_own_outcome(
    server: FakeExpo, expo: Expo, faults: dict[str, object], outcome: Outcome
) -> None:
    for name, value in faults.items():
        setattr(server.faults, name, value)

    assert await expo.send(notifications(1), any_time()) == [outcome]


async def test_a_connection_that_was_never_made_took_nothing() -> None:
    nobody = Expo(base_url="http://127.0.0.1:9", access_token=None, answer_seconds=0.5)

    assert await nobody.send(notifications(1), any_time()) == [Retry("unreachable", 2.0)]
    assert await nobody.receipts(["ticket"]) is None
    await nobody.close()


async def test_receipts_come_for_the_tickets_that_have_one(server: FakeExpo, expo: Expo) -> None:
    server.faults.unregistered_later = ["ExpoPushToken[1]"]
    fine, dead = [
        outcome.ticket_id for outcome in await expo.send(notifications(2), any_time()) if isinstance(outcome, Sent)
    ]

    receipts = await expo.receipts([fine, dead, "unknown"])

    assert receipts == {fine: "ok", dead: "DeviceNotRegistered"}


async def test_a_large_batch_goes_out_compressed_and_arrives_whole(server: FakeExpo, expo: Expo) -> None:
    await expo.send([Notification("ExpoPushToken[big]", {"body": "x" * 3000})], any_time())

    assert server.of("ExpoPushToken[big]")[0]["body"] == "x" * 3000
