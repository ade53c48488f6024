"""Revoked sign-ins and banned users: out everywhere, and not in again."""

import asyncpg
import jwt
import pytest

from shared import operator_api as operators
from shared.auth import mint
from shared.ids import new_id
from shared.redis import open_redis
from tests.integration.gateway.world import OwnSite, World
from tests.integration.rest.conftest import SECRET, Person
from tests.support.waiting import eventually


def session_of(person: Person) -> str:
    return str(jwt.decode(person.token, options={"verify_signature": False})["session_id"])


def another_sign_in(parley: World, person: Person) -> Person:
    return parley.rest.person("ann", person.id)


async def revoke(parley: World, person: Person, seconds: float = 3600.0) -> None:
    answer = await parley.rest.ask_internal(operators.REVOKE, {"sessionId": session_of(person), "seconds": seconds})
    assert answer == {"told": True}


async def test_a_revoked_session_loses_its_sockets_on_every_gateway_and_the_users_others_stay(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann = parley.person("ann")
    other = another_sign_in(parley, ann)
    revoked, stays = [await one.connect(ann), await two.connect(ann)], await two.connect(other)

    await revoke(parley, ann)

    for phone in revoked:
        assert await phone.closed() == 4503
    assert (await stays.ask("ping"))["type"] == "pong"
    await other.get("/api/conversations")


async def test_a_revoked_session_is_refused_at_connect_by_rest_and_on_a_live_socket(
    parley: World, site: OwnSite
) -> None:
    ann = parley.person("ann")
    other = another_sign_in(parley, ann)
    live = await site.connect(other)

    await revoke(parley, ann)

    for gateway in (site, await parley.gateway()):
        phone = await gateway.dial(ann.token)
        frame = await phone.next("error")
        assert (frame["code"], await phone.closed()) == ("session_revoked", 4503)
    assert (await ann.get("/api/conversations", 401))["code"] == "unauthorized"
    await live.say("auth", token=ann.token)
    assert await live.closed() == 4503


async def test_after_its_time_a_revocation_is_over(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    await revoke(parley, ann, seconds=0.5)

    async def is_in() -> bool:
        return bool((await (await site.dial(ann.token)).next())["type"] == "connected")

    await eventually(is_in)


async def test_a_revocation_of_which_redis_lost_the_word_is_found_after_the_break(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann = parley.person("ann")
    phone = await site.connect(ann)
    connection = await asyncpg.connect(database_url)
    subject = f"session:{session_of(ann)}"
    await connection.execute(
        "INSERT INTO refusals (subject, expires_at) VALUES ($1, now() + interval '1 hour')", subject
    )
    await connection.close()
    assert (await phone.ask("ping"))["type"] == "pong"

    redis = open_redis(parley.redis_url)
    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await redis.aclose()

    assert await phone.closed(30) == 4503


async def test_a_banned_user_is_out_until_the_ban_is_lifted(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone, other = await site.connect(ann), await site.connect(ben)

    assert await parley.rest.ask_internal(operators.BAN, {"userId": ann.id}) == {"changed": True, "told": True}

    assert await phone.closed() == 4502
    again = await site.dial(ann.token)
    assert (await again.next("error"))["code"] == "banned"
    assert await again.closed() == 4502
    await ann.send(conversation, "let me in", 403)
    assert (await other.ask("ping"))["type"] == "pong"

    assert await parley.rest.ask_internal(operators.BAN, {"userId": ann.id}) == {"changed": False, "told": True}
    lifted = await parley.rest.ask_internal(operators.BAN, {"userId": ann.id, "lift": True})
    assert lifted == {"changed": True, "told": True}
    await site.connect(ann)
    await ann.send(conversation, "thank you")


async def test_a_banned_user_is_told_why_and_until_when_before_the_socket_closes(parley: World, site: OwnSite) -> None:
    ann, mod = parley.person("ann"), await parley.rest.moderator()
    phone = await site.connect(ann)
    until = "2090-01-01T00:00:00.000Z"

    await mod.put(f"/moderation/users/{ann.id}/ban", {"reason": "insults", "until": until})

    assert (await phone.next("moderation.notice"))["action"] == "ban"
    for one in (phone, await site.dial(ann.token)):
        told = await one.next("error")
        assert (told["code"], told["reason"], told["until"]) == ("banned", "insults", until)
        assert await one.closed() == 4502


async def test_a_ban_that_is_over_lets_the_user_connect(parley: World, site: OwnSite) -> None:
    ann, mod = parley.person("ann"), await parley.rest.moderator()
    await mod.put(f"/moderation/users/{ann.id}/ban", {"reason": "x", "until": "2020-01-01T00:00:00Z"})
    assert (await (await site.connect(ann)).ask("ping"))["type"] == "pong"


async def test_who_never_signed_in_can_be_banned_before_they_do(parley: World, site: OwnSite) -> None:
    eve = parley.person("eve")
    assert await parley.rest.ask_internal(operators.BAN, {"userId": eve.id, "lift": True}) == {
        "changed": False,
        "told": True,
    }
    await parley.rest.ask_internal(operators.BAN, {"userId": eve.id})
    assert await (await site.dial(eve.token)).closed() == 4502


async def test_a_kicked_user_comes_back_at_once(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    phone = await site.connect(ann)

    async def is_online() -> bool:
        return bool((await parley.rest.ask_internal(operators.KICK, {"userId": ann.id}))["online"])

    await eventually(is_online)
    assert await phone.closed() == 1012
    await site.connect(ann)


async def test_a_token_without_a_session_is_never_taken_for_a_revoked_one(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    await revoke(parley, ann)
    claims = jwt.decode(mint(SECRET, ann.id, "ann"), options={"verify_signature": False})
    nameless = jwt.encode({key: value for key, value in claims.items() if key != "session_id"}, SECRET, "HS256")
    assert (await (await site.dial(nameless)).next())["type"] == "connected"


@pytest.mark.parametrize(
    ("path", "question", "field"),
    [
        (operators.KICK, {"userId": "ann"}, "userId"),
        (operators.BAN, {"userId": ""}, "userId"),
        (operators.REVOKE, {"sessionId": "", "seconds": 60}, "sessionId"),
        (operators.REVOKE, {"sessionId": "x" * 129, "seconds": 60}, "sessionId"),
        (operators.REVOKE, {"sessionId": "a\x00b", "seconds": 60}, "sessionId"),
        (operators.REVOKE, {"sessionId": "a\x1b[2Jb", "seconds": 60}, "sessionId"),
        (operators.REVOKE, {"sessionId": new_id(), "seconds": 0}, "seconds"),
        (operators.REVOKE, {"sessionId": new_id(), "seconds": 1e12}, "seconds"),
    ],
)
async def test_what_is_no_user_and_no_session_is_refused_with_the_field(
    parley: World, path: str, question: dict[str, object], field: str
) -> None:
    answer = await parley.rest.ask_internal(path, question, 400)
    assert answer["field"] == field
