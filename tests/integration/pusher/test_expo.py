"""The door to Expo: every answer that its API is known to give comes out as a value."""

from collections.abc import AsyncIterator

import pytest

from pusher.calls import CALL_SIZE
from pusher.expo import Expo
from pusher.outcomes import Ambiguous, DeviceBusy, Outcome, Rejected, Retry, Sent, Stopped
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


async def test_a_full_batch_is_one_call_with_a_ticket_for_each(server: FakeExpo, expo: Expo) -> None:
    outcomes = await expo.send(notifications(CALL_SIZE))

    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len({outcome.ticket_id for outcome in outcomes if isinstance(outcome, Sent)}) == CALL_SIZE
    assert server.calls["ok"] == 1


async def test_a_dead_token_harms_nobody_else_in_its_batch(server: FakeExpo, expo: Expo) -> None:
    server.faults.unregistered = ["ExpoPushToken[1]"]

    first, second, third = await expo.send(notifications(3))

    assert isinstance(first, Sent)
    assert second == Rejected("DeviceNotRegistered", dead_token=True)
    assert isinstance(third, Sent)


async def test_tokens_of_another_project_are_sent_apart_from_ours(server: FakeExpo, expo: Expo) -> None:
    server.faults.experiences = {"ExpoPushToken[2]": "@another/app"}

    outcomes = await expo.send(notifications(4))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 4
    assert server.of("ExpoPushToken[0]"), "a halved batch still reaches its devices"


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

    assert await expo.send(notifications(1)) == [outcome]


async def test_a_connection_that_was_never_made_took_nothing() -> None:
    nobody = Expo(base_url="http://127.0.0.1:9", access_token=None, answer_seconds=0.5)

    assert await nobody.send(notifications(1)) == [Retry("unreachable", 2.0)]
    assert await nobody.receipts(["ticket"]) is None
    await nobody.close()


async def test_receipts_come_for_the_tickets_that_have_one(server: FakeExpo, expo: Expo) -> None:
    server.faults.unregistered_later = ["ExpoPushToken[1]"]
    fine, dead = [outcome.ticket_id for outcome in await expo.send(notifications(2)) if isinstance(outcome, Sent)]

    receipts = await expo.receipts([fine, dead, "unknown"])

    assert receipts == {fine: "ok", dead: "DeviceNotRegistered"}


async def test_a_large_batch_goes_out_compressed_and_arrives_whole(server: FakeExpo, expo: Expo) -> None:
    await expo.send([Notification("ExpoPushToken[big]", {"body": "x" * 3000})])

    assert server.of("ExpoPushToken[big]")[0]["body"] == "x" * 3000
