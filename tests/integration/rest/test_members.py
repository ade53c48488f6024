"""Big groups: a conversation names the first fifty people, and `members` gives all of them."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from persistence.conversations.views import Conversation
from persistence.log.publisher import BATCH, MOST_BYTES, ROOM_BYTES
from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually


async def group(rest: Rest, size: int) -> tuple[Person, str, list[str]]:
    """Somebody, a group of theirs of so many people, and its members by id."""
    ann = rest.person("ann")
    others = [new_id() for _ in range(size - 1)]
    made = await ann.post("/api/conversations", {"participantIds": others, "isGroup": True}, 201)
    return ann, made["conversation"]["id"], sorted([ann.id, *others])


async def all_members(person: Person, conversation_id: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = await person.get(f"/api/conversations/{conversation_id}/members", **query, **more)
        found += page["members"]
        if page["nextCursor"] is None:
            return found
        more = {"cursor": page["nextCursor"]}


async def test_a_conversation_names_its_first_fifty_people_and_how_many_there_are(rest: Rest) -> None:
    ann, made, people = await group(rest, 120)

    [listed] = (await ann.get("/api/conversations"))["conversations"]

    assert listed["id"] == made
    assert [one["id"] for one in listed["participants"]] == people[:50]
    assert listed["participantCount"] == 120


async def test_every_member_is_given_page_by_page_once(rest: Rest) -> None:
    ann, made, people = await group(rest, 230)

    first = await ann.get(f"/api/conversations/{made}/members", limit=1000)
    assert len(first["members"]) == 100

    found = await all_members(ann, made, limit=70)
    assert [one["id"] for one in found] == people
    own = next(one for one in found if one["id"] == ann.id)
    assert own.pop("joinedAt")
    assert own == {"id": ann.id, "handle": "ann", "displayName": None, "avatarUrl": None, "role": "owner"}


async def test_members_are_found_by_a_part_of_their_handle_taken_literally(rest: Rest) -> None:
    ann = rest.person("ann")
    people = [rest.person(handle) for handle in ("Rosa_May", "rosalind", "xrosa%")]
    for one in people:
        await one.get("/api/conversations")  # signed in, so that their handles are known
    made = await ann.start(*people)

    async def handles(**query: Any) -> set[str]:
        return {one["handle"] for one in await all_members(ann, made, **query)}

    assert await handles(q="ROSA") == {"Rosa_May", "rosalind", "xrosa%"}
    assert await handles(q="a_m") == {"Rosa_May"}
    assert await handles(q="%") == {"xrosa%"}
    assert await handles(q="", role="member") == {"Rosa_May", "rosalind", "xrosa%"}
    assert await handles(role="owner") == {"ann"}
    assert await handles(role="admin") == set()
    assert await handles(q="nobody") == set()


@pytest.mark.parametrize(
    ("query", "field"), [({"limit": 0}, "limit"), ({"cursor": "x"}, "cursor"), ({"role": "king"}, "role")]
)
async def test_a_malformed_question_about_members_names_its_field(rest: Rest, query: Any, field: str) -> None:
    ann, made, _ = await group(rest, 3)
    assert (await ann.get(f"/api/conversations/{made}/members", 400, **query))["field"] == field


async def test_members_are_shown_to_members_alone(rest: Rest) -> None:
    _, made, _ = await group(rest, 3)
    eve = rest.person("eve")

    stranger = await eve.get(f"/api/conversations/{made}/members", 403)
    nowhere = await eve.get(f"/api/conversations/{new_id()}/members", 403)

    assert stranger == nowhere


async def test_a_group_of_a_thousand_is_encoded_once_a_role_and_never_fills_the_publisher(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eighteen at once: each is announced in two encodings (to its members, to its maker, whose role is another), and
    what waits for Redis stays near ROOM_BYTES, however many are made."""
    encoded: list[str] = []
    most_waited: list[int] = []
    encode, publisher = msgspec.json.encode, rest.parts.publisher
    count = publisher._count

    def encode_and_note(what: Any, **options: Any) -> bytes:
        if isinstance(what, Conversation):
            encoded.append(what.id)
        return encode(what, **options)

    def count_and_note(size: int) -> None:
        count(size)
        most_waited.append(publisher.waiting_bytes)

    monkeypatch.setattr(msgspec.json, "encode", encode_and_note)
    monkeypatch.setattr(publisher, "_count", count_and_note)

    made = await asyncio.gather(*(group(rest, 1000) for _ in range(18)))

    assert Counter(encoded) == {conversation: 2 for _, conversation, _ in made}
    assert max(most_waited) < 2 * ROOM_BYTES < MOST_BYTES
    await eventually(lambda: not publisher.waiting_bytes)
    assert len(most_waited) > BATCH * 18  # all went by this way
