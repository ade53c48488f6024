"""Older apps leak sockets: of those that are one device the newest that lives gets everything, the others nothing."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.gateway.world import LivePhone, OwnSite, World
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually

TAB = {"Origin": "https://app.example"}


async def heard(phones: Sequence[LivePhone], ben: Person, conversation: str) -> list[int]:
    """Which of the phones get the next message; each of them is asked only after one of them has it."""
    seq = (await ben.send(conversation, "who hears this?"))["seq"]
    await eventually(lambda: any(seq in phone.seqs() for phone in phones))
    for phone in phones:
        if phone.reads:
            await phone.say("ping", ref=f"after {seq}")
            await eventually(lambda: any(frame.get("ref") == f"after {seq}" for frame in phone.frames))  # noqa: B023
    return [which for which, phone in enumerate(phones) if seq in phone.seqs()]


async def mounted(site: OwnSite, person: Person) -> list[LivePhone]:
    """What the seed app's provider and hooks open."""
    phones = [await site.live(person.token) for _ in range(3)]
    await settled(site, person, phones[-1])
    return phones


async def settled(site: OwnSite, person: Person, device: LivePhone) -> None:
    """Until this socket is the one that is counted of its user's."""
    connection_id = device.frames[0]["connectionId"]

    def is_device() -> bool:
        user = site.gateway._hub.user(person.id)
        counted = [session.connection_id for session in user.sessions if session.is_counted] if user else []
        return counted == [connection_id]

    await eventually(is_device)


async def test_the_seed_apps_mount_five_changes_of_network_and_logout_leave_one_device_that_hears_each_message_once(
    parley: World,
) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = await mounted(site, ann)
    assert await heard(phones, ben, conversation) == [2]
    for _ in range(5):
        for phone in phones[-3:]:
            await phone.lose_the_network()
        phones += await mounted(site, ann)
        assert await heard(phones, ben, conversation) == [len(phones) - 1]
    assert all(phone.close_code is None for phone in phones), "nobody was turned away"
    watcher = await site.connect(ben)

    for phone in phones:
        await phone.leave()

    update = await watcher.next("presence.update", seconds=10)
    assert (update["userId"], update["isOnline"]) == (ann.id, False)
    assert not site.gateway._devices._claimed


async def test_two_tabs_two_phones_and_two_bots_are_devices_of_their_own(parley: World) -> None:
    site = await parley.gateway(allowed_origins=("*",), max_user_connections=20)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    other_phone = parley.rest.person("ann", ann.id)
    phones = [
        await site.live(ann.token, headers=TAB),
        await site.live(ann.token, headers=TAB),
        await site.live(ann.token),
        await site.live(other_phone.token),
        await site.live(ann.token, device="one"),
        await site.live(ann.token, device="two"),
        await site.live(ann.token, headers={"User-Agent": "another bot"}),
        await site.live(ann.token, acks=True),
        await site.live(ann.token, acks=True),
    ]
    for _ in range(2):
        assert await heard(phones, ben, conversation) == list(range(len(phones)))


async def test_a_page_of_the_own_host_and_a_phone_that_sends_its_origin_follow_the_rule(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = [await site.live(ann.token, headers={"Origin": site.url}) for _ in range(2)]
    await settled(site, ann, phones[-1])
    assert await heard(phones, ben, conversation) == [1]


async def test_all_sockets_get_everything_where_the_rule_is_off(parley: World) -> None:
    site = await parley.gateway(legacy_sockets="all")
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = [await site.live(ann.token) for _ in range(3)]
    assert await heard(phones, ben, conversation) == [0, 1, 2]


async def test_when_the_device_closes_the_next_newest_takes_over_at_once(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = await mounted(site, ann)
    await phones[2].leave()
    await settled(site, ann, phones[1])
    assert await heard(phones[:2], ben, conversation) == [1]


async def test_when_the_device_misses_a_heartbeat_the_next_newest_takes_over(parley: World) -> None:
    site = await parley.gateway(heartbeat_seconds=0.5)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = await mounted(site, ann)
    await phones[2].lose_the_network()
    await settled(site, ann, phones[1])
    assert await heard(phones[:2], ben, conversation) == [1]


async def test_the_newest_is_the_device_over_all_gateways_and_hands_over_when_it_closes(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    old, new = await one.live(ann.token), await two.live(ann.token)
    await eventually(lambda: not counted(one, ann) and counted(two, ann) == 1)
    assert await heard([old, new], ben, conversation) == [1]
    newest = await one.live(ann.token)
    await eventually(lambda: counted(one, ann) == 1 and not counted(two, ann))
    assert await heard([old, new, newest], ben, conversation) == [2]

    await newest.leave()
    await eventually(lambda: not counted(one, ann) and counted(two, ann) == 1)
    assert await heard([old, new], ben, conversation) == [1]


async def test_a_device_whose_gateway_was_killed_is_followed_by_the_newest_that_lives(
    parley: World, site: OwnSite, tmp_path: Path
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    stays = await site.live(ann.token)
    async with parley.doomed_gateway(tmp_path) as doomed:
        await doomed.live(ann.token)
        await eventually(lambda: not counted(site, ann))
    await eventually(lambda: counted(site, ann) == 1, seconds=10)
    assert await heard([stays], ben, conversation) == [0]


async def test_a_socket_that_begins_to_acknowledge_is_a_device_of_its_own(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = await mounted(site, ann)
    await phones[0].say("delivered", conversationId=conversation, seq=0)
    await eventually(lambda: counted(site, ann) == 2)
    assert await heard(phones, ben, conversation) == [0, 2]


async def test_a_socket_that_gets_nothing_is_answered_all_the_same_and_delivers_nothing(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = await mounted(site, ann)
    await phones[2].lose_the_network()
    await ben.send(conversation, "to nobody who is there")
    await phones[0].say("ping", ref="still here")
    await eventually(lambda: phones[0].frames[-1].get("ref") == "still here")
    messages = (await ben.get(f"/api/conversations/{conversation}/messages"))["messages"]
    assert messages[-1]["status"] == "sent"


async def test_one_socket_alone_is_asked_nothing_and_nothing_is_kept_of_it(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    phone = await site.live(ann.token)
    [session] = site.gateway.acceptor.sessions()
    assert session.group
    assert not session.is_asked
    await phone.leave()
    assert not site.gateway._devices._claimed
    assert not site.gateway._devices._elsewhere


def counted(site: OwnSite, person: Person) -> int:
    user = site.gateway._hub.user(person.id)
    return sum(session.is_counted for session in user.sessions) if user else 0


@pytest.mark.parametrize("leaks", [3])
async def test_sockets_that_are_no_device_take_no_place_of_the_users(parley: World, leaks: int) -> None:
    site = await parley.gateway(max_user_connections=1)
    ann = parley.person("ann")
    phones = [await site.live(ann.token) for _ in range(leaks)]
    assert [phone.frames[0]["type"] for phone in phones] == ["connected"] * leaks
