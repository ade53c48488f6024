"""Continuity as a number: what a client lacks without knowing is found, told and measured; so is a recovery's time."""

import time
from typing import Any

import pytest

from gateway.healing.client_claims import SETTLED_SECONDS
from shared.ids import new_id
from shared.redis import open_redis
from shared.setting_forms import Bucket
from tests.integration.gateway.world import OwnSite, Phone, World
from tests.support.waiting import eventually

PLENTY = Bucket(10_000, 10_000)
"""Of frames: these clients say what they have far more often than an app does."""


async def claim(phone: Phone, cursors: dict[str, int]) -> None:
    """As a client that believes to have all up to there."""
    assert (await phone.ask("ping", ref="claim", cursors=cursors))["type"] == "pong"


def syncs(phone: Phone) -> list[dict[str, Any]]:
    return [frame for frame in phone.frames if frame["type"] == "sync"]


async def test_a_gap_that_its_client_does_not_notice_is_found_told_and_measured(parley: World) -> None:
    site = await parley.gateway(rate_limit_frames=PLENTY)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation, other = await ann.start(ben), await ann.start(parley.person("cid"))
    phone = await site.connect(ann)
    await ben.send(conversation, "one")
    await ben.send(conversation, "two")
    assert await phone.messages(2) == [1, 2]

    began = time.monotonic()
    lost = {conversation: 1, other: 0}  # as if the app had dropped the second one
    await claim(phone, lost)
    assert (syncs(phone), site.gateway.stats.undetected_gap.total) == ([], 0.0)

    async def is_told() -> bool:
        await claim(phone, lost)
        return bool(syncs(phone))

    await eventually(is_told)
    [told] = syncs(phone)
    assert (told["conversationId"], told["lastSeq"]) == (conversation, 2)
    gap = site.gateway.stats.undetected_gap
    assert sum(gap.counts) == 1
    assert SETTLED_SECONDS <= gap.total <= time.monotonic() - began

    await claim(phone, {conversation: 2})
    await claim(phone, {conversation: 2})
    assert (sum(gap.counts), len(syncs(phone))) == (1, 1)


async def test_what_is_on_its_way_while_a_client_pings_is_no_gap(parley: World) -> None:
    site = await parley.gateway(rate_limit_frames=PLENTY)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    began = time.monotonic()
    sent = 0
    while time.monotonic() - began < SETTLED_SECONDS + 1:
        await ben.send(conversation, "another")
        sent += 1
        await phone.next_where(lambda frame, seq=sent: frame.get("seq") == seq)  # type: ignore[misc]
        await claim(phone, {conversation: sent - 1})

    assert (sum(site.gateway.stats.undetected_gap.counts), syncs(phone)) == (0, [])


async def test_a_connect_is_consistent_when_its_client_says_that_it_has_caught_up(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    await ben.send(conversation, "while you were away")
    phone = await site.connect(ann)
    resumed = site.gateway.stats.consistency["resume"]

    await claim(phone, {conversation: 0})
    assert sum(resumed.counts) == 0
    await claim(phone, {conversation: 1})
    await claim(phone, {conversation: 1})

    assert sum(resumed.counts) == 1


async def test_the_time_from_a_links_break_until_every_room_is_whole_is_measured_once(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    recovered = site.gateway.stats.consistency["link_break"]
    began = time.monotonic()

    redis = open_redis(parley.redis_url)
    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await redis.aclose()
    await ben.send(conversation, "in the middle of it")

    await eventually(lambda: sum(recovered.counts) == 1)
    assert await phone.messages(1) == [1]
    assert 0 < recovered.total <= time.monotonic() - began


async def test_who_does_not_promise_to_acknowledge_is_not_compared(parley: World, site: OwnSite) -> None:
    """It is spared its own messages, so its cursors have holes that are none."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    old, fresh = await site.connect(ann, acks=False), await site.connect(ann)
    await ann.send(conversation, "my own")
    await fresh.messages(1)
    await claim(old, {conversation: 0})
    assert (site.gateway.stats.consistency["resume"].total, syncs(old)) == (0.0, [])


@pytest.mark.parametrize(
    "cursors", [{"x": 1}, {new_id(): -1}, {new_id(): "1"}, [], {new_id(): 1 for _ in range(101)}, {new_id(): 1.5}]
)
async def test_cursors_that_are_none_get_an_error_and_the_socket_stays(
    parley: World, site: OwnSite, cursors: Any
) -> None:
    phone = await site.connect(parley.person())
    answer = await phone.ask("ping", cursors=cursors)
    assert (answer["type"], answer["code"]) == ("error", "malformed_frame")
    assert (await phone.ask("ping", cursors={new_id().upper(): 1}))["type"] == "pong"
