"""A kind of durable event is one file and one line: a copy of the services learns one, and all of them carry it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from persistence.database.pool import Pool, open_pool
from tests.support.fleet import ROOT, Fleet, fleet_from
from tests.support.notes import add_kind, note
from tests.support.person import Person, Phone
from tests.support.waiting import eventually

PACKAGES = ("services", "gateway", "persistence", "pusher", "media", "webhooks", "shared")
SENDS, NOTES = 60, 12


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What runs, with one kind more."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    add_kind(tmp_path)
    return tmp_path


def person(running: Fleet, http: aiohttp.ClientSession, handle: str) -> Person:
    store, gateway = running.processes["persistence-1"], running.processes["gateway-1"]
    made = Person(http, store.url, "", socket=gateway.url)
    made.token = running.token(made.id, handle)
    return made


def durable(phone: Phone) -> list[int]:
    return [one["seq"] for one in phone.seen if one["type"] in ("message.new", "test.note")]


async def test_a_kind_is_published_filled_into_gaps_synced_and_settled_with_no_other_change(
    pool: Pool, database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession, source: Path
) -> None:
    limits = {"RATE_LIMIT_USER": "10000:10000", "RATE_LIMIT_ADDRESS": "10000:10000"}
    async with fleet_from(source, logs, database_url, redis_url, limits) as running:
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob)
        async with bob.phone() as phone:
            # Committed, and who was to publish it died: a relay does.
            await note(pool, room, ada.id, "relayed")
            assert (await phone.frame("test.note"))["words"] == "relayed"
            await eventually(lambda: _is_empty(pool))

            # Committed, and lost on its way: the next one shows the gap.
            lost = await note(pool, room, ada.id, "lost")
            await pool.execute("DELETE FROM outbox")
            await ada.send(room, "after the gap")
            assert (await phone.frame("test.note", words="lost"))["seq"] == lost.seq

            sends = [ada.send(room, f"text {number}") for number in range(SENDS)]
            await asyncio.gather(*sends, *(note(pool, room, bob.id) for _ in range(NOTES)))
            last = 3 + SENDS + NOTES
            await eventually(lambda: len(durable(phone)) == last, 20)
            assert durable(phone) == list(range(1, last + 1))
            await eventually(lambda: _is_empty(pool))

        await _is_synced(bob, room, last)
        await _counts_messages_alone(bob, room, last)


async def _is_synced(person: Person, room: str, last: int) -> None:
    """From the start, and as for a new device: the newest 50 messages, and all events since the first of them."""
    _, whole = await person.call("POST", "/api/sync", {"conversations": {room: 0}})
    part = whole["conversations"][room]
    assert [event["seq"] for event in part["events"]] == list(range(1, last + 1))
    assert (part["complete"], part["lastSeq"], part["asOfSeq"]) == (True, last, last)
    _, new = await person.call("POST", "/api/sync", {"conversations": {}})
    events = new["conversations"][room]["events"]
    assert [event["type"] for event in events].count("message.new") == 50
    assert events[0]["type"] == "message.new"
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], last + 1))


async def _counts_messages_alone(person: Person, room: str, last: int) -> None:
    _, listed = await person.call("GET", "/api/conversations")
    [entry] = listed["conversations"]
    assert (entry["lastSeq"], entry["unreadCount"]) == (last, SENDS + 1)
    _, page = await person.call("GET", f"/api/conversations/{room}/messages?limit=10")
    assert (page["pagination"]["total"], page["asOfSeq"]) == (SENDS + 1, last)
    assert all(message["text"] for message in page["messages"])


async def _is_empty(pool: Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM outbox")
