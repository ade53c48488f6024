"""How many sockets a user may have: only living ones count, and whatever may be dead makes room."""

from pathlib import Path

import pytest

from gateway.membership import quota
from tests.integration.gateway.world import LivePhone, OwnSite, Site, World
from tests.support.waiting import eventually


async def refusal(site: Site, token: str) -> tuple[str, int | None, int]:
    """The error's code, the close code, and when to come again."""
    phone = await site.live(token, acks=True)
    await eventually(lambda: phone.close_code is not None)
    error = phone.frames[0]
    return error["code"], phone.close_code, error["retryAfterMs"]


async def test_more_living_sockets_than_a_user_may_have_are_refused_over_all_gateways_until_one_closes(
    parley: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("PONG_SECONDS", 8.0), ("ANSWER_SECONDS", 8.5)):  # a busy machine may hold up the phones, too
        monkeypatch.setattr(quota, name, seconds)
    one, two = [await parley.gateway(max_user_connections=2) for _ in range(2)]
    ann = parley.person()
    phones = [await one.live(ann.token, acks=True), await two.live(ann.token, acks=True)]

    code, close_code, retry_after_ms = await refusal(one, ann.token)

    assert (code, close_code) == ("too_many_connections", 4504)
    assert 0 < retry_after_ms <= 60_000
    assert all(phone.close_code is None for phone in phones)
    await phones[1].leave()
    await eventually(lambda: not two.gateway._hub.users)
    phone = await connected_at_last(two, ann.token)
    assert phone.frames[0]["type"] == "connected"
    assert (
        one.registry.get_sample_value("parley_gateway_connection_failures_total", {"reason": "too_many_connections"})
        == 1
    )


async def connected_at_last(site: OwnSite, token: str) -> LivePhone:
    """The place of a connection that closed is free as soon as the fleet knows."""
    while True:
        phone = await site.live(token, acks=True)
        if phone.frames[0]["type"] == "connected":
            return phone


async def test_half_open_sockets_make_room_for_who_comes_and_living_ones_stay(parley: World) -> None:
    one, two = [await parley.gateway(max_user_connections=3) for _ in range(2)]
    ann = parley.person()
    lost = [await one.live(ann.token, acks=True), await two.live(ann.token, acks=True)]
    stays = await two.live(ann.token, acks=True)
    for phone in lost:
        await phone.lose_the_network()

    phones = [await one.live(ann.token, acks=True), await two.live(ann.token, acks=True)]

    assert [phone.frames[0]["type"] for phone in phones] == ["connected"] * 2
    assert stays.close_code is None
    assert [await phone.closed() for phone in lost] == [4408, 4408]
    assert (await refusal(one, ann.token))[1] == 4504, "now three of them live"


async def test_the_sockets_of_a_killed_gateway_make_room_while_its_lease_still_runs(
    parley: World, tmp_path: Path
) -> None:
    site = await parley.gateway(max_user_connections=2, lease_seconds=30.0)
    ann = parley.person()
    async with parley.doomed_gateway(tmp_path, LEASE_SECONDS="60") as doomed:
        for _ in range(2):
            await doomed.connect(ann)

    phones = [await site.live(ann.token, acks=True) for _ in range(2)]

    assert [phone.frames[0]["type"] for phone in phones] == ["connected"] * 2
    assert (await refusal(site, ann.token))[1] == 4504


async def test_many_who_come_at_once_get_no_more_places_than_there_are(parley: World) -> None:
    site = await parley.gateway(max_user_connections=3)
    ann = parley.person()
    dialled = [await site.dial(ann.token) for _ in range(9)]
    kinds = [(await phone.next())["type"] for phone in dialled]
    # Those who read nothing while others came may be taken for dead; nobody is counted twice.
    assert kinds[:3] == ["connected"] * 3
    alive = [session for session in site.gateway.acceptor.sessions() if session.is_counted]
    assert len(alive) <= 3
