"""Look-ups of many connects in one call: what one of them cannot be answered is no matter of the others."""

import asyncio

import jwt
import pytest

from gateway.lookups import Found
from gateway.persistence_client import PersistenceAway, PersistenceRefused
from shared.auth import Profile, mint
from shared.ids import new_id
from tests.integration.gateway.world import OwnSite, World
from tests.integration.rest.conftest import SECRET

BAD = ["a\x00b", "\ud800", "x" * 129]
"""What persistence refuses, what is no UTF-8 and is refused before, and what is too long."""


async def test_a_question_that_persistence_refuses_fails_alone(parley: World, site: OwnSite) -> None:
    lookups = site.gateway._lookups
    good = [lookups.session(parley.person().id, Profile("ann"), new_id()) for _ in range(40)]
    bad = [lookups.session(parley.person().id, Profile("eve"), session_id) for session_id in BAD]

    answers = await asyncio.gather(*good[:25], *bad, *good[25:], return_exceptions=True)

    assert [type(answer) for answer in answers] == [Found] * 25 + [PersistenceRefused] * len(BAD) + [Found] * 15


async def test_heads_that_persistence_refuses_fail_alone(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    lookups = site.gateway._lookups
    asked = [lookups.heads(["no conversation"], ann.id), *[lookups.heads([conversation], ann.id) for _ in range(10)]]

    refused, *found = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(refused, PersistenceRefused)
    assert [heads.heads for heads in found if not isinstance(heads, BaseException)] == [{conversation: 0}] * 10


async def test_a_persistence_that_is_away_is_not_asked_again_by_each_who_came_together(parley: World) -> None:
    site = await parley.gateway(persistence_url="http://127.0.0.1:9")
    asked = [site.gateway._lookups.session(parley.person().id, Profile("ann")) for _ in range(20)]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert all(type(answer) is PersistenceAway for answer in answers)


@pytest.mark.parametrize("session_id", ["a\x00b", "\ud800"])
async def test_a_token_with_a_session_id_that_nobody_could_write_down_turns_away_its_owner_alone(
    parley: World, site: OwnSite, session_id: str
) -> None:
    ann, eve = parley.person("ann"), parley.person("eve")
    claims = jwt.decode(mint(SECRET, eve.id, "eve"), options={"verify_signature": False})
    odd = jwt.encode({**claims, "session_id": session_id}, SECRET, "HS256")

    dialled = await asyncio.gather(*[site.dial(token) for token in (ann.token, odd, ann.token)])

    assert [(await phone.next())["type"] for phone in dialled] == ["connected", "error", "connected"]
    assert await dialled[1].closed() == 4401
