"""What dies, refuses or lies: every device is still told, and told twice only where nobody could know."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pusher.dead_letters import DeadLetters
from pusher.metrics import RECEIPT_ERRORS, STOPPED
from pusher.worker import MAX_DELIVERIES
from shared import api, keys, push_api
from shared.checkpoints import EXPO_ANSWERED, PUSH_SETTLED
from shared.ids import new_id
from tests.integration.pusher.refusing import refusing
from tests.integration.pusher.world import PushWorld
from tests.support.waiting import eventually


async def a_message(push: PushWorld) -> tuple[str, str]:
    """One for somebody who is offline: the token of their phone, the conversation."""
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    await ann.send(room, "Hello")
    return token, room


async def test_a_pusher_that_dies_before_it_wrote_expos_answer_down_is_repeated_under_the_same_key(
    push: PushWorld, tmp_path: Path
) -> None:
    doomed = await push.doomed_pusher(tmp_path, EXPO_ANSWERED)
    token, room = await a_message(push)
    assert await doomed.ended() == -9
    assert len(push.expo.accepted) == 1, "Expo had it, and nobody wrote it down"

    async with push.pusher():
        await push.let_leases_run_out()
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [token, token]
    assert {one.message["collapseId"] for one in push.expo.accepted} == {room}


async def test_a_pusher_that_dies_after_it_wrote_the_answer_down_is_not_repeated(
    push: PushWorld, tmp_path: Path
) -> None:
    doomed = await push.doomed_pusher(tmp_path, PUSH_SETTLED)
    await a_message(push)
    assert await doomed.ended() == -9
    assert await push.waiting() == 1, "the entry was not acknowledged"

    async with push.pusher():
        await push.let_leases_run_out()
        await push.drained()

    assert len(push.expo.accepted) == 1


async def test_another_pusher_leaves_a_call_that_may_still_be_under_way_alone(push: PushWorld, tmp_path: Path) -> None:
    doomed = await push.doomed_pusher(tmp_path, EXPO_ANSWERED)
    await a_message(push)
    await doomed.ended()
    claims = await ledger(push, "SELECT lease_until FROM push_ledger")

    async with push.pusher():
        await push.let_entries_rest()
        await eventually(lambda: taken_again(push))

        assert await push.waiting() == 1
        assert await ledger(push, "SELECT lease_until FROM push_ledger") == claims, "nobody took it from the dead"
    assert len(push.expo.accepted) == 1


async def test_a_pusher_that_is_stopped_writes_down_what_expo_answers(push: PushWorld) -> None:
    push.expo.faults.delay_seconds = 0.5

    async with push.pusher():
        await a_message(push)
        await eventually(lambda: push.expo.calls["arrived"] == 1)
    async with push.pusher():
        await push.let_leases_run_out()
        await push.drained()

    assert len(push.expo.accepted) == 1


async def test_an_ambiguous_answer_is_repeated_under_the_same_key(push: PushWorld) -> None:
    push.expo.faults.error_after = 1.0

    async with push.pusher():
        token, room = await a_message(push)
        await push.expo.wait_for(1)
        push.expo.faults.error_after = 0.0
        await eventually(lambda: written(push, "calling"))
        await push.let_leases_run_out()
        await push.drained()

    assert [(one.token, one.ambiguous) for one in push.expo.accepted] == [(token, True), (token, False)]
    assert {one.message["collapseId"] for one in push.expo.accepted} == {room}


async def test_an_answer_that_stays_ambiguous_is_repeated_twice_and_no_more(push: PushWorld) -> None:
    push.expo.faults.error_after = 1.0

    async with push.pusher():
        await a_message(push)
        for count in (1, 2, 3):
            await push.expo.wait_for(count)
            await eventually(lambda: written(push, "calling", reason="HTTP 502"))
            await push.let_entries_rest()
        await push.drained()

    assert len(push.expo.accepted) == 3


async def test_what_expo_was_too_busy_for_is_told_once_it_is_not(push: PushWorld) -> None:
    push.expo.faults.too_many_requests = 1.0

    async with push.pusher():
        await a_message(push)
        await eventually(lambda: push.expo.calls["rate"] >= 1)
        push.expo.faults.too_many_requests = 0.0
        await push.drained()

    assert len(push.expo.accepted) == 1


async def test_a_dead_token_is_removed_and_its_batch_is_told(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, gone = await push.with_phone("bob")
    cleo, alive = await push.with_phone("cleo")
    push.expo.faults.unregistered = [gone]
    room = await ann.start(bob, cleo, isGroup=True)

    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [alive]
    assert await ledger(push, "SELECT token FROM devices") == [alive]


async def test_a_notification_that_fails_its_whole_batch_harms_no_other(push: PushWorld) -> None:
    ann = push.person("ann")
    people = [await push.with_phone(f"user{number}") for number in range(5)]
    bad = people[3][1]
    push.expo.faults.malformed = [bad]
    room = await ann.start(*(person for person, _ in people), isGroup=True)

    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert sorted(one.token for one in push.expo.accepted) == sorted(token for _, token in people if token != bad)
    assert await ledger(push, "SELECT reason FROM push_ledger WHERE state = 'rejected'") == ["VALIDATION_ERROR"]


async def test_tokens_of_two_projects_are_told_apart_from_each_other(push: PushWorld) -> None:
    ann = push.person("ann")
    people = [await push.with_phone(f"user{number}") for number in range(4)]
    push.expo.faults.experiences = {people[1][1]: "@another/app"}
    room = await ann.start(*(person for person, _ in people), isGroup=True)

    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert sorted(one.token for one in push.expo.accepted) == sorted(token for _, token in people)
    assert push.expo.calls["arrived"] == 3, "all together, then each project's"


async def test_a_token_of_a_project_that_is_not_ours_stops_nobody_elses_pushes(push: PushWorld) -> None:
    ann = push.person("ann")
    people = [await push.with_phone(f"user{number}") for number in range(4)]
    foreign = people[1][1]
    push.expo.faults.experiences, push.expo.faults.forbidden = {foreign: "@another/app"}, ["@another/app"]
    room = await ann.start(*(person for person, _ in people), isGroup=True)

    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert sorted(one.token for one in push.expo.accepted) == sorted(token for _, token in people if token != foreign)
    assert await ledger(push, "SELECT reason FROM push_ledger WHERE state = 'rejected'") == ["UNAUTHORIZED"]
    assert STOPPED._value.get() == 0


@pytest.mark.parametrize("code", ["MismatchSenderId", "DeveloperError", "MessageTooBig"])
async def test_what_would_fail_again_is_given_up_and_alarms(push: PushWorld, code: str) -> None:
    token, _ = await a_message(push)
    push.expo.faults.ticket_errors = {token: code}
    before = RECEIPT_ERRORS.labels(code)._value.get()

    async with push.pusher():
        await push.drained()

    assert await ledger(push, "SELECT state FROM push_ledger") == ["rejected"]
    assert await ledger(push, "SELECT token FROM devices") == [token], "it is not the token's fault"
    assert RECEIPT_ERRORS.labels(code)._value.get() == before + 1


async def test_refused_credentials_stop_the_sending_and_keep_the_queue(push: PushWorld) -> None:
    push.expo.faults.access_token = "another"

    async with push.pusher():
        await a_message(push)
        await eventually(lambda: STOPPED._value.get() == 1)
        assert await push.waiting() == 1
        assert await ledger(push, "SELECT message_id FROM push_ledger") == [], "the try is forgotten: nothing was taken"

        push.expo.faults.access_token = None
        await push.let_leases_run_out()
        await push.drained(15)

    assert len(push.expo.accepted) == 1
    assert STOPPED._value.get() == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"not JSON",
        b'{"conversationId": 7}',
        b'{"conversationId":"c","seq":1,"messageId":"m","senderId":"s","users":["u"],"atMs":1}',
        b'{"conversationId":"c","seq":1,"messageId":"m","senderId":"s","users":["u"],"atMs":1,"version":9}',
    ],
)
async def test_an_entry_that_nobody_can_read_becomes_a_dead_letter(push: PushWorld, raw: bytes) -> None:
    redis = push.parley.rest.parts.redis
    await redis.xadd(keys.UNDELIVERED, {"message": raw})

    async with push.pusher():
        token, _ = await a_message(push)
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [token]
    [letter] = await DeadLetters(redis).all()
    assert letter.raw == raw
    assert letter.reason


async def test_a_deadline_that_nobody_can_read_holds_up_no_other(push: PushWorld) -> None:
    redis = push.parley.rest.parts.redis
    await redis.zadd(keys.DEADLINES, {b"not JSON": 1, b'["c",1,"m","s",1]': 1})

    async with push.pusher():
        await push.drained()

    assert await redis.xlen(keys.DEAD_LETTERS) == 2


async def test_an_entry_that_persistence_refuses_harms_no_other_and_ends_as_a_dead_letter(push: PushWorld) -> None:
    redis, poison = push.parley.rest.parts.redis, new_id()
    entry = push_api.Addressee(new_id(), poison, [new_id()])
    raw = (
        f'{{"conversationId":"{entry.conversation_id}","seq":1,"messageId":"{poison}",'
        f'"senderId":"{new_id()}","users":["{entry.users[0]}"],"atMs":1}}'
    )
    await redis.xadd(keys.UNDELIVERED, {"message": raw})
    token, _ = await a_message(push)
    await eventually(lambda: both_wait(push))

    async with refusing(push.parley.persistence_url) as proxy:
        proxy.rule = lambda _, body: 500 if poison.encode() in body else None
        async with push.pusher(persistence_url=proxy.url):
            await push.expo.wait_for(1, 5)  # long before what is refused has had its rest
            await eventually(lambda: without_rest(push, lambda: redis.xlen(keys.DEAD_LETTERS)), 30)
            await push.drained()

    assert [one.token for one in push.expo.accepted] == [token]


async def test_a_burst_that_persistence_refuses_harms_no_other(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    cleo, cleos = await push.with_phone("cleo")
    rooms = [await ann.start(bob), await ann.start(cleo)]

    async with refusing(push.parley.persistence_url) as proxy, push.pusher(persistence_url=proxy.url):
        for room in rooms:
            await ann.send(room, "one")
        await push.expo.wait_for(2)
        poison, _ = [(await ann.send(room, "two"))["id"] for room in rooms]
        await eventually(lambda: none_waits(push))
        proxy.rule = lambda _, body: 500 if poison.encode() in body else None
        await push.let_windows_end()
        await push.expo.wait_for(3)

    assert [one.token for one in push.expo.accepted[2:]] == [cleos]


@pytest.mark.parametrize("status", [401, 500])
async def test_nothing_becomes_a_dead_letter_while_persistence_refuses_everything(push: PushWorld, status: int) -> None:
    """As it does between a rollout and its migration, or while the services' token is being changed. Only whose entries
    there are has been told: before that a pusher takes none."""
    await a_message(push)
    refused = MAX_DELIVERIES + 2

    async with refusing(push.parley.persistence_url) as proxy:
        proxy.rule = lambda path, _: (
            status if path != api.HEADS and proxy.refused.count(push_api.TARGETS) < refused else None
        )
        async with push.pusher(persistence_url=proxy.url, push_burst_seconds=0.0):
            await eventually(lambda: without_rest(push, lambda: enough(proxy.refused, refused)), 60)
            await push.drained()

    assert len(push.expo.accepted) == 1
    assert await push.parley.rest.parts.redis.xlen(keys.DEAD_LETTERS) == 0


async def enough(refused: list[str], count: int) -> int:
    return int(refused.count(push_api.TARGETS) >= count)


async def none_waits(push: PushWorld) -> bool:
    return await push.waiting() == 0


async def both_wait(push: PushWorld) -> bool:
    return await push.waiting() == 2


async def test_an_answer_that_persistence_was_away_for_is_written_down_when_it_is_back(push: PushWorld) -> None:
    async with refusing(push.parley.persistence_url) as proxy:
        proxy.rule = lambda path, _: 503 if path == push_api.OUTCOMES and len(proxy.refused) < 3 else None
        async with push.pusher(persistence_url=proxy.url):
            await a_message(push)
            await push.drained()

    assert proxy.refused == [push_api.OUTCOMES] * 3
    assert len(push.expo.accepted) == 1


async def ledger(push: PushWorld, query: str) -> list[object]:
    return [row[0] for row in await push.parley.rest.parts.pool.fetch(query)]


async def written(push: PushWorld, state: str, reason: str | None = None) -> bool:
    """Whether the one row of the ledger is in this state, with its lease over."""
    rows = await push.parley.rest.parts.pool.fetch(
        "SELECT state, reason, lease_until <= now() AS over FROM push_ledger"
    )
    return [(row["state"], row["over"]) for row in rows] == [(state, True)] and reason in (None, rows[0]["reason"])


async def taken_again(push: PushWorld) -> bool:
    """Whether the one pending entry was taken after it had its rest, and rests anew."""
    pending = await push.pending()
    return len(pending) == 1 and pending[0]["time_since_delivered"] < 30_000


async def without_rest(push: PushWorld, done: Callable[[], Awaitable[int]]) -> bool:
    """Whether it is done; until then what is pending comes back at once."""
    await push.let_entries_rest()
    return bool(await done())
