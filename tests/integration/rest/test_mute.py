"""Muting a conversation, for the caller alone."""

import pytest

from tests.integration.rest.conftest import Rest

LATER = "2999-01-01T12:00:00+02:00"


async def test_a_conversation_is_muted_until_a_time_and_rings_again_by_null(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)

    assert await ann.post(f"/api/conversations/{room}/mute", {"until": LATER}) == {
        "mutedUntil": "2999-01-01T10:00:00.000Z"
    }
    assert (await ann.get(f"/api/conversations/{room}/mute"))["mutedUntil"] == "2999-01-01T10:00:00.000Z"
    assert (await bob.get(f"/api/conversations/{room}/mute"))["mutedUntil"] is None, "for the caller alone"
    assert await ann.post(f"/api/conversations/{room}/mute", {"until": None}) == {"mutedUntil": None}
    assert (await ann.get(f"/api/conversations/{room}/mute"))["mutedUntil"] is None


@pytest.mark.parametrize("body", [{}, {"until": 5}, {"until": "tomorrow"}, {"until": "2999-01-01T12:00:00"}])
async def test_what_is_no_time_is_refused_by_its_name(rest: Rest, body: dict[str, object]) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)

    refused = await ann.post(f"/api/conversations/{room}/mute", body, 400)

    assert refused["field"] == "until"


async def test_a_time_that_is_over_mutes_nothing(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    room = await ann.start(bob)
    await ann.post(f"/api/conversations/{room}/mute", {"until": LATER})

    assert await ann.post(f"/api/conversations/{room}/mute", {"until": "2001-01-01T00:00:00Z"}) == {"mutedUntil": None}


async def test_what_is_muted_but_for_mentions_says_so_until_it_rings_again(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    path = f"/api/conversations/{await ann.start(bob)}/mute"
    muted = {"mutedUntil": "2999-01-01T10:00:00.000Z", "mentions_only": True}

    assert await ann.post(path, {"until": LATER, "mentions_only": True}) == muted
    assert await ann.get(path) == muted
    assert await ann.post(path, {"until": LATER, "mentions_only": None}) == {"mutedUntil": muted["mutedUntil"]}
    await ann.post(path, {"until": LATER, "mentions_only": True})
    assert await ann.post(path, {"until": None, "mentions_only": True}) == {"mutedUntil": None}
    assert await ann.get(path) == {"mutedUntil": None}
    assert (await ann.post(path, {"until": LATER, "mentions_only": 1}, 400))["field"] == "mentions_only"


async def test_a_stranger_cannot_mute_and_learns_nothing(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    room = await ann.start(bob)

    for method in ("get", "post"):
        call = eve.get if method == "get" else lambda path, status: eve.post(path, {"until": LATER}, status)
        assert (await call(f"/api/conversations/{room}/mute", 403))["code"] == "forbidden"
