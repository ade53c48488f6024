"""Messages that are sent later: once, or told why not."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from persistence.messages.sender import Sender
from persistence.rules import DEFAULT_RULES
from persistence.scheduled.worker import Worker
from persistence.screening.screen import Screen
from persistence.screening.screening import Screening
from persistence.screening.words import BlockedWords
from shared import keys, wire
from shared.checkpoints import COMMITTED, SCHEDULE_CLAIMED, SCHEDULE_SENT, Checkpoints, NoCheckpoints
from shared.ids import new_id
from tests.integration.persistence.parts import HaltAt, listening, parts
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.test_attachments import ready, sees
from tests.integration.rest.test_touches import of, patch, two
from tests.support.waiting import eventually

Json = Any
SCHEDULED = "/api/scheduled"


def later(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**(more or {"hours": 1}))).isoformat()


async def schedule(person: Person, room: str, status: int = 201, /, **fields: Any) -> Json:
    body = {"conversationId": room, "sendAt": later(), **fields}
    answer = await person.post(SCHEDULED, body, status)
    return answer.get("scheduled", answer)


async def come_due(rest: Rest, *scheduled: Json) -> None:
    """Their time has come; and whoever took one has had it for too long."""
    ids = [one["id"] for one in scheduled]
    await rest.parts.pool.execute(
        "UPDATE scheduled SET due_at = now() - interval '1 s' WHERE due_at IS NOT NULL AND id = ANY ($1)", ids
    )


def worker(rest: Rest, checkpoints: Checkpoints | None = None, screening: Screening | None = None) -> Worker:
    running = rest.parts
    sender = Sender(running.pool, running.queue)
    return Worker(running.pool, sender, running.delivery, DEFAULT_RULES, checkpoints or NoCheckpoints(), screening)


async def texts(person: Person, room: str) -> list[str]:
    return [one["text"] for one in (await person.get(f"/api/conversations/{room}/messages"))["messages"]]


async def listed(person: Person) -> list[Json]:
    return list((await person.get(SCHEDULED))["scheduled"])


async def test_a_scheduled_message_waits_is_read_and_is_sent_as_any_other(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    source = await bob.send(room, "the words")
    carried: Json = {"mentions": [bob.id], "preview": {"url": "https://x.example/"}, "expiresIn": 60, "data": {"a": 1}}
    made = await schedule(ann, room, text=" later ", replyTo=source["id"], **carried)

    assert (made["state"], made["failure"], made["text"], made["conversationId"]) == ("waiting", None, "later", room)
    assert (made["mentions"], made["expiresIn"], made["data"], made["replyTo"]) == (
        [bob.id], 60, {"a": 1}, source["id"],
    )  # fmt: skip
    assert (await ann.get(f"{SCHEDULED}/{made['id']}"))["scheduled"] == made
    assert await listed(ann) == [made]
    await worker(rest).turn()
    assert await texts(bob, room) == ["the words"]

    await come_due(rest, made)
    await worker(rest).turn()
    [_, sent] = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert (sent["text"], sent["clientId"], sent["senderId"]) == ("later", f"scheduled:{made['id']}", ann.id)
    assert (sent["mentions"], sent["data"], sent["replyTo"]) == ([bob.id], {"a": 1}, source["id"])
    assert sent["expiresAt"] > sent["createdAt"]
    assert await listed(ann) == []
    await ann.get(f"{SCHEDULED}/{made['id']}", 404)
    assert (await patch(ann, f"{SCHEDULED}/{made['id']}", {"text": "x"}, 409))["code"] == "sent"
    assert (await ann.delete(f"{SCHEDULED}/{made['id']}", 409))["code"] == "sent"
    kept = await rest.parts.pool.fetchval("SELECT draft FROM scheduled WHERE id = $1", made["id"])
    assert kept == "{}", "what was sent is kept in its message alone"


async def test_it_is_changed_and_cancelled_until_a_worker_has_it(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    made = await schedule(ann, room, text="one", mentions=[bob.id])
    path, at = f"{SCHEDULED}/{made['id']}", later(hours=3)

    changed = (await patch(ann, path, {"text": "two", "sendAt": at, "mentions": None}))["scheduled"]
    assert (changed["text"], changed["mentions"]) == ("two", [bob.id])
    assert datetime.fromisoformat(changed["sendAt"]) - datetime.fromisoformat(at) < timedelta(milliseconds=1)
    assert (await patch(ann, path, {"text": "\u200b"}, 400))["field"] == "text"
    assert (await patch(ann, path, {"sendAt": "2001-01-01T00:00:00Z"}, 400))["field"] == "sendAt"
    assert (await ann.get(path))["scheduled"] == changed
    assert await ann.delete(path) == await ann.delete(path) == {"success": True}
    await come_due(rest, made)
    await worker(rest).turn()
    assert await texts(bob, room) == []
    await ann.get(path, 404)
    await patch(ann, path, {"text": "x"}, 404)

    claimed, halting = await schedule(ann, room, text="three"), HaltAt(SCHEDULE_CLAIMED)
    await come_due(rest, claimed)
    turn = asyncio.create_task(worker(rest, halting).turn())
    await halting.reached.wait()
    turn.cancel()
    assert (await patch(ann, f"{SCHEDULED}/{claimed['id']}", {"text": "x"}, 409))["code"] == "sent"
    assert (await ann.delete(f"{SCHEDULED}/{claimed['id']}", 409))["code"] == "sent"


async def test_nobody_else_sees_or_touches_it(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    path = f"{SCHEDULED}/{(await schedule(ann, room, text='mine'))['id']}"

    await bob.get(path, 404)
    await patch(bob, path, {"text": "yours"}, 404)
    await bob.delete(path, 404)
    assert await listed(bob) == []
    eve = rest.person("eve")
    assert (await schedule(eve, room, 403, text="x"))["code"] == "forbidden"
    assert (await schedule(ann, new_id(), 403, text="x"))["code"] == "forbidden"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"sendAt": "2001-01-01T00:00:00Z"}, "sendAt"),
        ({"sendAt": "2999-01-01T00:00:00Z"}, "sendAt"),
        ({"sendAt": (datetime.now(UTC) + timedelta(days=366)).isoformat()}, "sendAt"),
        ({"sendAt": "tomorrow"}, "sendAt"),
        ({"sendAt": None}, "sendAt"),
        ({"text": " "}, "text"),
        ({"text": "x" * 8001}, "text"),
        ({"clientId": "scheduled:1"}, "clientId"),
        ({"mediaUrl": "ftp://x"}, "mediaUrl"),
        ({"attachments": [new_id()]}, "attachments"),
    ],
)
async def test_what_cannot_be_scheduled_is_named(rest: Rest, fields: Json, at: str) -> None:
    ann, _, room = await two(rest)

    assert (await schedule(ann, room, 400, **{"text": "x", **fields}))["field"] == at


async def test_the_same_client_id_is_one_and_a_hundred_are_enough(rest: Rest) -> None:
    ann, _, room = await two(rest)
    first = await schedule(ann, room, text="one", clientId="c1")

    assert await schedule(ann, room, 200, text="another", clientId="c1") == first
    await rest.parts.pool.execute(
        "INSERT INTO scheduled (user_id, id, conversation_id, send_at, created_at, due_at, state, draft)"
        " SELECT user_id, gen_random_uuid(), conversation_id, send_at, created_at, due_at, state, draft"
        " FROM scheduled, generate_series(1, 98)"
    )
    body = {"conversationId": room, "sendAt": later(), "text": "x"}
    answers = await asyncio.gather(*(ann.ask("POST", SCHEDULED, data=orjson.dumps(body)) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    assert (await schedule(ann, room, 409, text="too many"))["code"] == "limit"

    pages, cursor = [], ""
    while cursor is not None:
        page = await ann.get(SCHEDULED + (f"?cursor={cursor}&limit=40" if cursor else "?limit=40"))
        pages += page["scheduled"]
        cursor = page["nextCursor"]
    assert len({one["id"] for one in pages}) == len(pages) == 100
    assert [one["sendAt"] for one in pages] == sorted(one["sendAt"] for one in pages)


async def test_every_refusal_ends_failed_with_its_code_and_a_new_time_tries_again(rest: Rest, redis_url: str) -> None:
    ann, bob, room = await two(rest)
    eve = rest.person("eve")
    group, pool = await ann.start(bob, eve, isGroup=True), rest.parts.pool
    gone = await bob.send(room, "gone")
    forward = {"conversationId": room, "messageId": gone["id"]}
    expected = {
        "deleted": await schedule(ann, group, forward=forward),
        "malformed": await schedule(ann, group, text="x", replyTo=gone["id"]),
        "forbidden": await schedule(eve, group, text="x"),
        "blocked": await schedule(ann, room, text="x"),
        "banned": await schedule(bob, group, text="x"),
    }
    await bob.delete(of(room, gone))
    await pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", eve.id)
    await ann.ask("PUT", f"/api/blocks/{bob.id}")
    await pool.execute("UPDATE users SET banned_at = now() WHERE id = $1", bob.id)
    await come_due(rest, *expected.values())

    async with listening(redis_url, keys.user(ann.id)) as ear:
        await worker(rest).turn()
        await eventually(lambda: len(ear.frames(wire.Kind.USER_FRAME)) == 3)

    rows = await pool.fetch("SELECT id, state, failure FROM scheduled")
    found = {row["id"]: (row["state"], row["failure"]) for row in rows}
    assert found == {one["id"]: ("failed", code) for code, one in expected.items()}
    told = {frame["failure"]: frame["state"] for frame in ear.frames(wire.Kind.USER_FRAME)}
    assert told == dict.fromkeys(("deleted", "malformed", "blocked"), "failed")
    assert {one["failure"] for one in await listed(ann)} == set(told)

    failed = expected["malformed"]
    kept = (await patch(ann, f"{SCHEDULED}/{failed['id']}", {"text": "y"}))["scheduled"]
    assert (kept["state"], kept["failure"]) == ("failed", "malformed")
    again = (await patch(ann, f"{SCHEDULED}/{expected['blocked']['id']}", {"sendAt": later()}))["scheduled"]
    assert (again["state"], again["failure"]) == ("waiting", None)
    await ann.ask("DELETE", f"/api/blocks/{bob.id}")
    await come_due(rest, again)
    await worker(rest).turn()
    assert (await texts(ann, room))[-1] == "x"


async def test_what_is_not_allowed_here_is_not_let_in_by_waiting(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    screening = Screening(rest.parts.pool, Screen(None, BlockedWords(["swordfish"])))
    refused, let_in = await schedule(ann, room, text="a SwordFish"), await schedule(ann, room, text="a fish")

    await come_due(rest, refused, let_in)
    await worker(rest, screening=screening).turn()

    assert await texts(bob, room) == ["a fish"]
    assert [(one["id"], one["state"], one["failure"]) for one in await listed(ann)] == [
        (refused["id"], "failed", "rejected")
    ]


async def test_it_is_sent_once_though_its_worker_dies_at_any_step(
    rest: Rest, database_url: str, redis_url: str
) -> None:
    ann, bob, room = await two(rest)
    dice, made = random.Random(5), []
    for number in range(60):
        made.append(await schedule(ann, room, text=f"n{number}", mentions=[bob.id] if number % 2 else None))
    steps = [SCHEDULE_CLAIMED, COMMITTED, SCHEDULE_SENT, "never"]
    for _ in range(12):
        await come_due(rest, *dice.sample(made, 20))
        halting = HaltAt(dice.choice(steps))
        async with parts(rest.parts.pool, redis_url, halting) as doomed, doomed.running("queue", "publisher"):
            sender = Sender(doomed.pool, doomed.queue)
            workers = [Worker(doomed.pool, sender, doomed.delivery, DEFAULT_RULES, halting) for _ in range(2)]
            turns = [asyncio.create_task(one.turn()) for one in workers]
            reached = asyncio.create_task(halting.reached.wait())
            await asyncio.wait([*turns, reached], return_when=asyncio.FIRST_COMPLETED)
            for task in (*turns, reached):
                task.cancel()
            await asyncio.gather(*turns, reached, return_exceptions=True)
    await come_due(rest, *made)
    await worker(rest).turn()

    rows = await rest.parts.pool.fetch("SELECT text FROM messages WHERE conversation_id = $1", room)
    assert sorted(row["text"] for row in rows) == sorted(f"n{number}" for number in range(60))
    states = await rest.parts.pool.fetch("SELECT state FROM scheduled")
    assert [row["state"] for row in states] == ["sent"] * 60


async def test_one_that_was_sent_by_a_worker_that_died_is_sent_though_its_author_left_since(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    made, halting = await schedule(ann, room, text="once"), HaltAt(SCHEDULE_SENT)
    await come_due(rest, made)
    turn = asyncio.create_task(worker(rest, halting).turn())
    await halting.reached.wait()
    turn.cancel()
    await rest.parts.pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", ann.id)

    await come_due(rest, made)
    await worker(rest).turn()

    assert await texts(bob, room) == ["once"]
    assert await rest.parts.pool.fetchval("SELECT state FROM scheduled WHERE id = $1", made["id"]) == "sent"


async def test_its_files_are_kept_sent_and_given_back(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    sent, dropped = await ready(rest, ann, room), await ready(rest, ann, room)
    made = await schedule(ann, room, text="", attachments=[sent["id"], dropped["id"]])
    assert made["attachments"] == [sent["id"], dropped["id"]]
    held = "SELECT count(*) FROM attachment_holds WHERE holder = 'scheduled'"
    assert await rest.parts.pool.fetchval(held) == 2
    await patch(ann, f"{SCHEDULED}/{made['id']}", {"attachments": [sent["id"]]})
    assert await rest.parts.pool.fetchval(held) == 1

    await come_due(rest, made)
    await worker(rest).turn()

    [message] = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
    assert [one["id"] for one in message["attachments"]] == [sent["id"]]
    assert await sees(rest, bob, sent)
    assert await rest.parts.pool.fetchval(held) == 0
    other = await schedule(ann, room, text="", attachments=[dropped["id"]])
    await ann.delete(f"{SCHEDULED}/{other['id']}")
    assert await rest.parts.pool.fetchval(held) == 0


async def test_a_change_and_a_claim_at_once_never_both_win(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    for number in range(15):
        made = await schedule(ann, room, text=f"old {number}")
        await come_due(rest, made)
        body = orjson.dumps({"text": f"new {number}", "sendAt": later()})
        changed, _ = await asyncio.gather(ann.ask("PATCH", f"{SCHEDULED}/{made['id']}", data=body), worker(rest).turn())
        was_sent = f"old {number}" in await texts(bob, room)
        assert changed.status == (409 if was_sent else 200)
    assert not any(text.startswith("new") for text in await texts(bob, room))
