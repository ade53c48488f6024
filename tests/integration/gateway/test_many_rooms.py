"""Somebody in more conversations than one frame names: they come in by slices, and everything works meanwhile."""

import asyncio

import pytest

from gateway.forwarding.hub import Hub
from gateway.membership import entry
from gateway.membership.arrival import Arrival
from gateway.state.user import FEW
from tests.integration.gateway.world import OwnSite, Phone, World
from tests.integration.rest.conftest import Person
from tests.support.many import name_in
from tests.support.waiting import eventually

SLICE, MANY = 100, 350


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "SLICE", SLICE)


async def named(parley: World) -> tuple[Person, Person, list[str]]:
    """Ann is in MANY conversations with Ben."""
    ann, ben = parley.person("ann"), parley.person("ben")
    for one in (ann, ben):
        await one.get("/api/conversations")
    return ann, ben, await name_in(parley.rest.parts.pool, ann.id, ben.id, MANY)


async def all_told(phone: Phone) -> None:
    while not phone.frames[-1].get("last"):
        await phone.next("heads")


async def test_connected_names_the_newest_and_frames_of_heads_the_others(parley: World, site: OwnSite) -> None:
    ann, _, ids = await named(parley)
    phone = await site.connect(ann)
    await all_told(phone)

    connected, *parts = phone.frames
    assert (connected["conversationIds"], connected["conversationCount"]) == (ids[:SLICE], MANY)
    assert [one["type"] for one in parts] == ["heads"] * 3
    assert [one["last"] for one in phone.frames] == [False, False, False, True]
    told = [one for frame in phone.frames for one in frame["conversationIds"]]
    assert told == ids
    assert all(frame["heads"] == dict.fromkeys(frame["conversationIds"], 0) for frame in phone.frames)


async def test_where_nothing_follows_connected_says_so(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    [connected] = (await site.connect(ann)).frames
    assert (connected["last"], connected["conversationCount"]) == (True, 1)


async def test_what_is_sent_while_rooms_are_settled_arrives_or_is_within_the_heads(
    parley: World, site: OwnSite
) -> None:
    ann, ben, ids = await named(parley)
    dialled = asyncio.create_task(site.connect(ann))
    for conversation in ids[::50]:
        await ben.send(conversation, "meanwhile")
    phone = await dialled
    await all_told(phone)
    await phone.silence()

    heads = {key: head for frame in phone.frames for key, head in frame.get("heads", {}).items()}
    live = {frame["conversationId"]: frame["seq"] for frame in phone.frames if frame["type"] == "message.new"}
    assert all(max(heads[one], live.get(one, 0)) == 1 for one in ids[::50])


async def test_every_room_is_live_on_a_second_device_too(parley: World, site: OwnSite) -> None:
    ann, ben, ids = await named(parley)
    phones = [await site.connect(ann), await site.connect(ann)]
    for phone in phones:
        await all_told(phone)
    for conversation in (ids[0], ids[SLICE], ids[-1]):
        await ben.send(conversation, "hello")
        for phone in phones:
            assert (await phone.next("message.new"))["conversationId"] == conversation
    # What a client says in the last of its rooms is taken as in the first.
    assert (await phones[1].ask("join", conversationId=ids[-1]))["lastSeq"] == 1


async def test_a_room_is_found_among_many_without_looking_through_them(parley: World, site: OwnSite) -> None:
    ann, ben, ids = await named(parley)
    phone = await site.connect(ann)
    await all_told(phone)
    user = site.gateway._hub.user(ann.id)
    assert user is not None
    assert len(ids) > FEW
    assert isinstance(user.rooms, dict)

    made = await ben.start(ann)
    await phone.next("conversation.new")
    assert list(user.rooms)[-1] is site.gateway._hub.room(made)


async def test_who_leaves_is_taken_out_of_every_room(parley: World, site: OwnSite) -> None:
    ann, _, _ = await named(parley)
    phone = await site.connect(ann)
    await all_told(phone)
    hub: Hub = site.gateway._hub
    assert len(hub.rooms) == MANY
    await phone.leave()
    await eventually(lambda: not hub.rooms and not hub.users)


async def test_who_is_gone_before_all_rooms_are_settled_leaves_nothing_behind(
    parley: World, site: OwnSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, _ = await named(parley)
    hub: Hub = site.gateway._hub
    settle = site.gateway.acceptor._entry.settle

    def cut_at_the_second(arrival: Arrival) -> dict[str, int]:
        if arrival.session.is_attached:
            arrival.session.connection.abort()
        return settle(arrival)

    monkeypatch.setattr(site.gateway.acceptor._entry, "settle", cut_at_the_second)
    await site.connect(ann)
    await eventually(lambda: not hub.rooms and not hub.users and not site.gateway.acceptor._settling)


async def test_a_drain_lets_those_out_who_still_come_in(
    parley: World, site: OwnSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, _ = await named(parley)
    held, settle_rest = asyncio.Event(), site.gateway.acceptor._settle_rest

    async def hold(arrival: Arrival) -> None:
        await held.wait()
        await settle_rest(arrival)

    monkeypatch.setattr(site.gateway.acceptor, "_settle_rest", hold)
    phone = await site.connect(ann)
    assert site.gateway.acceptor.sessions()
    held.set()
    await site.gateway.drain()
    assert await phone.closed() == 1012
