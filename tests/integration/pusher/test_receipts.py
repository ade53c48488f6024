"""Expo's receipts, and the silent updates of badges: what is swept now and then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from pusher.epoch import Epoch
from pusher.expo import Expo
from pusher.halts import Halts
from pusher.pace import ExpoPace
from pusher.persistence_client import PersistenceClient
from pusher.receipts import Receipts
from pusher.silent import Silent
from pusher.stream import UndeliveredStream
from shared import keys
from shared.clock import now_ms
from tests.integration.pusher.world import BURST_SECONDS, PushWorld
from tests.integration.rest.conftest import SERVICE_TOKEN
from tests.support.waiting import eventually


@asynccontextmanager
async def sweepers(push: PushWorld) -> AsyncIterator[tuple[Receipts, Silent]]:
    expo = Expo(base_url=push.expo.url, access_token=None)
    async with aiohttp.ClientSession() as session:
        persistence = PersistenceClient(session, push.parley.persistence_url, SERVICE_TOKEN)
        redis = push.parley.rest.parts.redis
        receipts = Receipts(expo, persistence, redis, Halts(redis), Epoch(persistence))
        yield receipts, Silent(persistence, expo, ExpoPace(redis))
    await expo.close()


async def a_push(push: PushWorld) -> str:
    """The token that was told."""
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()
    return token


async def let_receipts_be_due(push: PushWorld) -> None:
    await push.parley.rest.parts.pool.execute("UPDATE push_ledger SET receipt_due_at = now()")


async def test_a_receipt_that_calls_a_token_dead_removes_it(push: PushWorld) -> None:
    token = await a_push(push)
    push.expo.faults.unregistered_later = [token]
    await let_receipts_be_due(push)

    async with sweepers(push) as (receipts, _):
        await receipts.sweep()

    assert await push.parley.rest.parts.pool.fetch("SELECT FROM devices") == []


async def test_a_receipt_is_asked_for_once_it_is_there(push: PushWorld) -> None:
    await a_push(push)
    await let_receipts_be_due(push)

    async with sweepers(push) as (receipts, _):
        await receipts.sweep()
        await receipts.sweep()

    assert push.expo.calls["receipts"] == 1
    assert await push.parley.rest.parts.pool.fetchval("SELECT receipt FROM push_ledger") == "ok"


async def test_a_receipt_that_never_comes_is_given_up_after_the_fourth_look(push: PushWorld) -> None:
    await a_push(push)
    push.expo.faults.no_receipts = True

    async with sweepers(push) as (receipts, _):
        for _ in range(6):
            await receipts.sweep()
            await push.parley.rest.parts.pool.execute(
                "UPDATE push_ledger SET receipt_due_at = now() WHERE receipt_due_at IS NOT NULL"
            )

    assert push.expo.calls["receipts"] == 4
    assert await push.parley.rest.parts.pool.fetchval("SELECT receipt FROM push_ledger") == "missing"


@pytest.mark.parametrize("code", ["ExpoError", "ProviderError", "MessageRateExceeded"])
async def test_what_apns_or_fcm_did_not_take_is_pushed_again_and_at_most_twice(push: PushWorld, code: str) -> None:
    token = await a_push(push)
    push.expo.faults.receipt_errors = {token: code}

    async with sweepers(push) as (receipts, _), push.pusher():
        for _ in range(4):
            await let_receipts_be_due(push)
            await receipts.sweep()
            await push.drained()

    assert [one.token for one in push.expo.accepted] == [token] * 3


async def test_what_was_read_before_its_receipt_came_is_not_pushed_again(push: PushWorld) -> None:
    token = await a_push(push)
    push.expo.faults.receipt_errors = {token: "ProviderError"}
    await push.parley.rest.parts.pool.execute("UPDATE participants SET read_seq = 1, read_ordinal = 1")

    async with sweepers(push) as (receipts, _), push.pusher():
        await let_receipts_be_due(push)
        await receipts.sweep()
        await push.drained()

    assert len(push.expo.accepted) == 1


async def test_a_receipt_leaves_it_known_when_expo_took_the_push(push: PushWorld) -> None:
    await a_push(push)
    pool = push.parley.rest.parts.pool
    taken = await pool.fetchval("SELECT updated_at FROM push_ledger")
    await let_receipts_be_due(push)

    async with sweepers(push) as (receipts, _):
        await receipts.sweep()

    assert await pool.fetchval("SELECT updated_at FROM push_ledger WHERE receipt = 'ok'") == taken


async def test_a_platform_whose_credentials_are_refused_waits_until_they_are_right(
    push: PushWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pusher.bursts.DEVICE_PAUSE_SECONDS", BURST_SECONDS)
    redis = push.parley.rest.parts.redis
    halts, expo = Halts(redis), push.expo
    ann = push.person("ann")
    (bob, bobs), (dan, dans) = await push.with_phone("bob"), await push.with_phone("dan")
    cleo, cleos = await push.with_phone("cleo", "android")
    room = await ann.start(bob, cleo, dan, isGroup=True, name="Climbing")

    async with sweepers(push) as (receipts, _), push.pusher():
        await ann.send(room, "one")
        await push.drained()
        expo.faults.receipt_errors = {bobs: "InvalidCredentials", dans: "InvalidCredentials"}
        await let_receipts_be_due(push)
        await receipts.sweep()
        assert await halts.halted() == {"ios"}
        await expo.wait_for(4)  # of what was refused, one goes out at once, to see whether it is still so

        await ann.send(room, "two")
        await eventually(lambda: len(expo.of(cleos)) == 2)
        await receipts.sweep()
        assert await halts.halted() == {"ios"}, "it is"
        assert len(expo.of(bobs) + expo.of(dans)) == 3, "the iPhones wait, the other phone does not"

        expo.faults.receipt_errors = {}
        await redis.delete(keys.push_probe("ios"))  # as if a minute had passed
        await push.let_windows_end()
        await expo.wait_for(6)
        await eventually(lambda: lifted(receipts, halts))
        await push.drained()

    assert [expo.of(token)[-1]["data"]["seq"] for token in (bobs, dans)] == [2, 2], "nothing was lost"


async def lifted(receipts: Receipts, halts: Halts) -> bool:
    await receipts.sweep()
    return not await halts.halted()


async def test_a_receipt_of_before_new_credentials_halts_nothing(push: PushWorld) -> None:
    halts = Halts(push.parley.rest.parts.redis)
    sent_at_ms = now_ms()

    assert await halts.halt("ios", sent_at_ms)
    assert not await halts.halt("ios", sent_at_ms), "it is halted"
    await halts.lift("ios")

    assert not await halts.halt("ios", sent_at_ms)
    assert await halts.halt("ios", now_ms() + 60_000)


async def test_only_consumers_that_ended_long_ago_and_left_nothing_are_forgotten(
    push: PushWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis: Any = push.parley.rest.parts.redis
    await redis.xadd(keys.UNDELIVERED, {"message": b"an entry"})
    ended, holding = UndeliveredStream(redis, "ended"), UndeliveredStream(redis, "holding")
    await holding.create_group()
    await holding.take(1, None)
    await ended.take(1, None)

    await ended.forget_dead_consumers()
    assert len(await redis.xinfo_consumers(keys.UNDELIVERED, keys.UNDELIVERED_GROUP)) == 2, "not long ago"
    monkeypatch.setattr("pusher.stream.DEAD_CONSUMER_SECONDS", -1)
    await ended.forget_dead_consumers()

    [left] = await redis.xinfo_consumers(keys.UNDELIVERED, keys.UNDELIVERED_GROUP)
    assert left["name"] == b"holding"


@pytest.mark.parametrize("platform", ["ios", "android"])
async def test_who_read_elsewhere_has_the_number_on_the_icon_lowered(push: PushWorld, platform: str) -> None:
    """Android shows no number that Expo could set."""
    ann = push.person("ann")
    bob, token = await push.with_phone("bob", platform)
    room = await ann.start(bob)
    async with push.pusher(), sweepers(push) as (_, badges):
        sent = await ann.send(room, "Hello")
        await push.drained()
        await badges.sweep()
        assert len(push.expo.accepted) == 1, "nobody read anything yet"
        await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [sent["id"]], "status": "read"})
        await badges.sweep()
        await badges.sweep()

    silent = [one.message for one in push.expo.accepted[1:]]
    expected = {"to": token, "badge": 0, "priority": "normal", "ttl": 3600, "_contentAvailable": True}
    assert silent == ([expected] if platform == "ios" else [])


async def test_a_user_is_sent_at_most_one_silent_update_in_20_minutes(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    pool = push.parley.rest.parts.pool

    async def told_and_read() -> int:
        sent = await ann.send(room, "Hello")
        await push.drained()
        await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [sent["id"]], "status": "read"})
        before = len(push.expo.accepted)
        await badges.sweep()
        return len(push.expo.accepted) - before

    async with push.pusher(), sweepers(push) as (_, badges):
        assert await told_and_read() == 1
        assert await told_and_read() == 0
        await pool.execute("UPDATE badges SET lowered_at = now() - interval '21 minutes'")
        before = len(push.expo.accepted)
        await badges.sweep()
        assert len(push.expo.accepted) - before == 1, "what was due is not forgotten"
