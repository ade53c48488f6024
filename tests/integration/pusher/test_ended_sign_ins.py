"""A phone that was signed out, revoked or whose user is banned hears of nothing more, and the trace says why."""

from typing import Any

import jwt

from persistence.database import retention
from persistence.push import badges
from shared import operator_api
from shared.ids import new_id
from tests.integration.pusher.test_trace import full_trace
from tests.integration.pusher.world import PushWorld
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually


async def revoke(push: PushWorld, person: Person, seconds: float = 3600.0) -> None:
    session = jwt.decode(person.token, options={"verify_signature": False})["session_id"]
    answer = await push.parley.rest.ask_internal(operator_api.REVOKE, {"sessionId": session, "seconds": seconds})
    assert answer == {"told": True}


async def ban(push: PushWorld, person: Person, *, lift: bool = False) -> None:
    await push.parley.rest.ask_internal(operator_api.BAN, {"userId": person.id, "lift": lift})


async def told(push: PushWorld, message_id: str) -> Any:
    """The one recipient's part of the trace."""
    [recipient] = (await full_trace(push, message_id))["recipients"]
    return recipient


async def another_phone(push: PushWorld, person: Person) -> tuple[Person, str]:
    """Of a sign-in of its own; its token."""
    other, token = push.parley.rest.person("bob", person.id), f"ExponentPushToken[{new_id()}]"
    await push.register(other, token)
    return other, token


async def test_a_revoked_sign_ins_phone_is_told_nothing_and_the_users_other_phone_is(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, lost = await push.with_phone("bob")
    other, kept = await another_phone(push, bob)
    room = await ann.start(bob)
    await revoke(push, bob)

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await push.drained()

    assert (len(push.expo.of(lost)), len(push.expo.of(kept))) == (0, 1)
    states = {(one["state"], one["reason"]) for one in (await told(push, message["id"]))["devices"]}
    assert states == {("sent", None), ("untold", "session revoked")}
    assert len((await other.get("/api/me/devices"))["devices"]) == 1


async def test_where_every_sign_in_was_revoked_the_decision_says_so(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    await revoke(push, bob)

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await push.drained()

    assert push.expo.accepted == []
    recipient = await told(push, message["id"])
    assert recipient["decision"] == "session revoked"
    assert [(one["state"], one["reason"]) for one in recipient["devices"]] == [("untold", "session revoked")]


async def test_a_banned_user_is_told_nothing_until_the_ban_is_lifted(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, bobs = await push.with_phone("bob")
    room = await ann.start(bob)
    await ban(push, bob)

    async with push.pusher(push_burst_seconds=0.0):
        message = await ann.send(room, "Hello")
        await push.drained()
        assert push.expo.accepted == []
        assert (await told(push, message["id"]))["decision"] == "user banned"

        await ban(push, bob, lift=True)
        await ann.send(room, "Welcome back")
        await push.drained()

    assert [one["body"] for one in push.expo.of(bobs)] == ["Welcome back"]


async def test_what_was_to_be_tried_again_is_dropped_once_the_sign_in_is_revoked(push: PushWorld) -> None:
    """The last look, right before the call: between the first try and the second one the sign-in ends."""
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    push.expo.faults.error_before = 1.0

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await eventually(lambda: bool(push.expo.calls["arrived"]))
        await revoke(push, bob)
        await eventually(lambda: dropped(push))

    assert (await told(push, message["id"]))["decision"] == "session revoked"


async def dropped(push: PushWorld) -> bool:
    await push.let_leases_run_out()
    return await push.waiting() == 0


async def test_a_removed_device_is_told_nothing_more(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    [device] = (await bob.get("/api/me/devices"))["devices"]

    await bob.delete(f"/api/me/devices/{device['id']}")
    async with push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert push.expo.accepted == []


async def test_a_silent_badge_goes_to_no_revoked_phone_and_to_no_banned_user(push: PushWorld) -> None:
    pool = push.parley.rest.parts.pool
    people = [(await push.with_phone(name))[0] for name in ("bob", "cleo", "dan")]
    for person in people:
        await pool.execute("INSERT INTO badges (user_id, shown, stale_since) VALUES ($1, 5, now())", person.id)
    await revoke(push, people[0])
    await ban(push, people[1])

    assert [one.user_id for one in await badges.take_stale(pool, 10)] == [people[2].id]


async def test_when_a_revocation_is_over_its_devices_stay_silent(push: PushWorld) -> None:
    """Its tokens may be good again then; the phone is told again once one of them has registered it."""
    ann = push.person("ann")
    bob, bobs = await push.with_phone("bob")
    other, kept = await another_phone(push, bob)
    room = await ann.start(bob)
    await revoke(push, bob, seconds=0.001)

    async with push.pusher():
        await ann.send(room, "before the revocation is forgotten")
        await push.drained()
        await retention.sweep(push.parley.rest.parts.pool)
        await ann.send(room, "and after it")
        await push.drained()

    assert push.expo.of(bobs) == []
    assert len(push.expo.of(kept)) >= 1
    assert len((await other.get("/api/me/devices"))["devices"]) == 1
