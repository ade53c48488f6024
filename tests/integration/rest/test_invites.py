"""Links into groups over REST."""

import asyncio
import time
from typing import Any

import pytest

from persistence.attachments.rules import DEFAULT_FILE_RULES
from shared import links
from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.groups import add, appoint, call, events, group, leave, patch, remove, roles, room
from tests.integration.rest.test_attachments import ready


async def invite(person: Person, conversation_id: str, status: int = 201, **fields: Any) -> Any:
    answer = await person.post(f"{room(conversation_id)}/invites", fields, status)
    return answer.get("invite", answer)


def link(made: Any) -> str:
    return f"/api/invites/{made['token']}"


async def test_a_link_shows_the_group_and_lets_in_whoever_holds_it(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob", name="Sailing")
    cleo = rest.person("cleo")
    await ann.send(made, "before")
    one = await invite(ann, made, maxUses=3)

    assert (one["uses"], one["maxUses"]) == (0, 3)
    assert await cleo.get(link(one)) == {"name": "Sailing", "avatarUrl": None, "participantCount": 2}
    joined = (await call(cleo, "POST", link(one)))["conversation"]
    assert (joined["id"], joined["participantCount"], joined["unreadCount"]) == (made, 3, 0)
    assert (await cleo.get(f"{room(made)}/messages"))["messages"] == []

    assert (await call(cleo, "POST", link(one)))["conversation"]["id"] == made
    [listed] = (await ann.get(f"{room(made)}/invites"))["invites"]
    assert (listed["id"], listed["uses"], "token" in listed) == (one["id"], 1, False)
    event = (await events(bob, made))[-1]
    assert (event["senderId"], [added["id"] for added in event["added"]]) == (cleo.id, [cleo.id])


async def test_the_preview_has_a_link_to_the_picture_that_ends_with_the_invite(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    picture, other = [await ready(rest, ann, None, kind="avatar") for _ in range(2)]
    await patch(ann, room(made), {"avatar": picture["id"]})
    one, two = await invite(ann, made), await invite(ann, made, maxUses=1)
    eve = rest.person("eve")

    holders = {}
    for made_link in (one, two):
        url = (await eve.get(link(made_link)))["avatarUrl"]
        address, _, signed = url.partition("?link=")
        assert address == f"{rest.url}/api/attachments/{picture['id']}"
        found = links.verify(DEFAULT_FILE_RULES.link_key, picture["id"], "", signed, time.time())
        assert found is not None
        assert 290 < found.expires_at - time.time() <= 300
        holders[made_link["id"]] = found.user_id

    async def shows(made_link: Any, file: Any) -> bool:
        asked = {"asks": [{"attachmentId": file["id"], "userId": holders[made_link["id"]]}]}
        return (await rest.ask_internal("/internal/media/access", asked))["files"][0] is not None

    assert [await shows(one, picture), await shows(two, picture), await shows(one, other)] == [True, True, False]
    await call(eve, "POST", link(two))
    await ann.delete(f"{room(made)}/invites/{one['id']}")
    assert [await shows(one, picture), await shows(two, picture)] == [False, False]


async def test_of_twenty_who_use_the_last_place_at_once_one_joins_and_may_repeat_it(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    one = await invite(ann, made, maxUses=1)
    crowd = [rest.person(f"c{n}") for n in range(20)]

    answers = await asyncio.gather(*(person.ask("POST", link(one)) for person in crowd))

    assert sorted(answer.status for answer in answers) == [200] + [404] * 19
    [winner] = [person for person, answer in zip(crowd, answers, strict=True) if answer.status == 200]
    await call(winner, "POST", link(one))
    assert len(await roles(ann, made)) == 3
    assert (await ann.get(f"{room(made)}/invites"))["invites"] == []


async def test_what_is_revoked_expired_or_never_was_looks_alike(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    revoked, expired = await invite(ann, made), await invite(ann, made, expiresIn=60)
    await ann.delete(f"{room(made)}/invites/{revoked['id']}")
    await ann.delete(f"{room(made)}/invites/{revoked['id']}")
    await ann.delete(f"{room(made)}/invites/{new_id()}")
    await rest.parts.pool.execute("UPDATE invites SET expires_at = now() WHERE id = $1", expired["id"])
    eve = rest.person("eve")

    for path in (link(revoked), link(expired), "/api/invites/never"):
        assert (await eve.get(path, 404))["code"] == "not_found"
        assert (await call(eve, "POST", path, status=404))["code"] == "not_found"
    assert (await eve.get("/api/invites/a%20b", 400))["field"] == "token"


async def test_who_was_removed_does_not_come_back_by_a_link_but_by_somebody(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    one = await invite(ann, made)
    await leave(bob, made)
    await call(bob, "POST", link(one))
    await remove(ann, made, bob)

    await call(bob, "POST", link(one), status=403)
    await add(ann, made, bob)
    assert bob.id in await roles(ann, made)


async def test_members_make_no_links_and_strangers_see_none(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    one = await invite(ann, made)

    for person, code in ((bob, "not_allowed"), (rest.person("eve"), "forbidden")):
        assert (await invite(person, made, 403))["code"] == code
        assert (await person.get(f"{room(made)}/invites", 403))["code"] == code
        assert (await person.delete(f"{room(made)}/invites/{one['id']}", 403))["code"] == code
    await appoint(ann, made, bob, "admin")
    await invite(bob, made)
    two = await ann.start(bob)
    assert (await invite(ann, two, 409))["code"] == "not_a_group"


async def test_at_most_twenty_links_live(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    first = await invite(ann, made)
    for _ in range(19):
        await invite(ann, made)

    assert (await invite(ann, made, 409))["code"] == "limit"
    await ann.delete(f"{room(made)}/invites/{first['id']}")
    await invite(ann, made)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"expiresIn": 59}, "expiresIn"), ({"expiresIn": 7_776_001}, "expiresIn"), ({"maxUses": 0}, "maxUses")],
)
async def test_a_link_that_cannot_be_is_refused_by_its_field(rest: Rest, body: Any, field: str) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")

    assert (await invite(ann, made, 400, **body))["field"] == field


async def test_only_the_hash_of_a_token_is_kept(rest: Rest) -> None:
    made, [ann, _] = await group(rest, "ann", "bob")
    one = await invite(ann, made)
    cleo = rest.person("cleo")
    await cleo.get(link(one))

    rows = await rest.parts.pool.fetch("SELECT row_to_json(i)::text AS all FROM invites i")
    assert one["token"] not in rows[0]["all"]


async def test_a_group_that_everybody_left_has_no_link_any_more(rest: Rest) -> None:
    made, [ann, bob] = await group(rest, "ann", "bob")
    one = await invite(ann, made)
    await leave(ann, made)
    await patch(bob, room(made), {"name": "mine now"})
    await leave(bob, made)

    await call(bob, "POST", link(one), status=404)
