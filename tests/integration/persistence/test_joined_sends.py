"""Sends of several conversations in one statement: each as if it had been sent alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import QUERY_SECONDS, Pool, open_pool
from persistence.log.logged import Logged
from persistence.members.views import NotAMember
from persistence.messages import send as messages
from persistence.messages.queue import SendQueue
from persistence.messages.send import Prior
from persistence.messages.views import Draft, NoSuchReply, Outcome, Repeated, Sent
from shared.checkpoints import NoCheckpoints
from tests.integration.persistence.parts import running, soon
from tests.integration.persistence.talk import conversation, draft, people, say
from tests.support import pgbouncer

WRONG_HEADS = """
SELECT c.id FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id
HAVING c.last_seq <> count(m.id) OR c.last_ordinal <> count(m.id) OR c.last_seq <> coalesce(max(m.seq), 0)
"""


def statements(name: str) -> float:
    """How often the query of this name was sent to Postgres."""
    samples = (sample for metric in QUERY_SECONDS.collect() for sample in metric.samples)
    return sum(one.value for one in samples if one.name.endswith("_count") and one.labels["query"] == name)


@asynccontextmanager
async def sending(
    pool: Pool, committed: Callable[..., None] = lambda _: None, workers: int = 1
) -> AsyncIterator[SendQueue]:
    queue = SendQueue(pool, committed, NoCheckpoints(), workers=workers)
    async with running(queue.run()):
        yield queue


async def at_once(queue: SendQueue, drafts: list[tuple[str, Draft]]) -> list[Outcome | BaseException]:
    answers: list[Outcome | BaseException] = await soon(
        asyncio.gather(*(queue.send(room, one) for room, one in drafts), return_exceptions=True)
    )
    return answers


async def test_each_draft_of_a_joined_statement_is_judged_by_its_own_conversation(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    one, two = [await conversation(pool, ann, each) for each in (bob, eve)]
    hers = await conversation(pool, bob, eve)
    [_, second] = await say(pool, one, ann, 2)
    [known] = await messages.send(pool, two, [draft(ann, client_id="c1")])
    assert isinstance(known, Sent)
    before = statements("send_many")

    answers = await messages.send_joined(
        pool,
        [
            (two, draft(ann, client_id="c1")),
            (one, draft(ann, "a", client_id="c1")),
            (one, draft(bob, "b", reply_to=second.id)),
            (two, draft(bob, "not his")),
            (two, draft(eve, reply_to=second.id)),
            (one, draft(bob, "c")),
            (hers, draft(eve, "d")),
        ],
    )

    assert [type(answer) for answer in answers] == [Prior, Sent, Sent, NotAMember, NoSuchReply, Sent, Sent]
    assert answers[0] == (two, 1)
    sent = [answer.message for answer in answers if isinstance(answer, Sent)]
    assert [(message.conversation_id, message.seq, message.text) for message in sent] == [
        (one, 3, "a"),
        (one, 4, "b"),
        (one, 5, "c"),
        (hers, 1, "d"),
    ]
    assert [message.sender_handle for message in sent] == ["user1", "user2", "user2", "user3"]
    assert statements("send_many") == before + 1
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE conversation_id = $1", one) == 5
    moved = await pool.fetch("SELECT read_seq FROM participants WHERE conversation_id = $1 ORDER BY user_id", one)
    assert [row["read_seq"] for row in moved] == [3, 5]
    assert await pool.fetch(WRONG_HEADS) == []


async def test_what_gathers_behind_a_statement_goes_together_and_a_lone_send_alone(pool: Pool) -> None:
    [ann, *others] = await people(pool, 21)
    rooms = [await conversation(pool, ann, other) for other in others]
    told: list[Logged] = []
    before = statements("send"), statements("send_many")
    async with sending(pool, told.extend) as queue:
        await queue.send(rooms[0], draft(ann))
        assert (statements("send"), statements("send_many")) == (before[0] + 1, before[1])
        answers = await at_once(queue, [(room, draft(ann)) for room in rooms for _ in range(2)])
    assert all(isinstance(answer, Sent) for answer in answers)
    assert (statements("send"), statements("send_many")) == (before[0] + 1, before[1] + 2), "16 conversations, and 4"
    assert len(told) == 41
    for room in rooms:
        seqs = [event.seq for event in told if event.conversation_id == room]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_a_draft_that_postgres_refuses_costs_the_others_of_its_statement_nothing(pool: Pool) -> None:
    [ann, *others] = await people(pool, 9)
    rooms = [await conversation(pool, ann, other) for other in others]
    drafts = [(room, draft(ann, str(n))) for n in range(2) for room in rooms]
    drafts.insert(9, (rooms[3], draft(ann, "nul \0 inside")))
    before = statements("send"), statements("send_many")
    async with sending(pool) as queue:
        answers = await at_once(queue, drafts)
        again = await at_once(queue, [(rooms[0], draft(ann))])
    assert isinstance(answers.pop(9), asyncpg.CharacterNotInRepertoireError)
    assert all(isinstance(answer, Sent) for answer in [*answers, *again])
    spent = statements("send") - before[0] + statements("send_many") - before[1]
    assert spent <= 1 + 1 + 2 * 5, "halving finds one of seventeen in few statements"
    seqs = [answer.message.seq for answer in answers if isinstance(answer, Sent)]
    assert seqs == [1] * 8 + [2] * 8, "and everybody's order stays"
    assert await pool.fetch(WRONG_HEADS) == []


async def test_a_repeat_and_a_refusal_beside_it_are_answered_alone_and_judged_one_after_the_other(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    rooms = [await conversation(pool, ann, bob), await conversation(pool, ann, eve)]
    [elsewhere] = await say(pool, rooms[1], ann)
    async with sending(pool) as queue:
        answers = await at_once(
            queue,
            [
                (rooms[0], draft(ann, "a", client_id="c1", reply_to=elsewhere.id)),
                (rooms[0], draft(ann, "b", client_id="c1")),
                (rooms[0], draft(ann, "c", client_id="c1")),
                (rooms[1], draft(bob, "d")),
                (rooms[1], draft(eve, "e")),
            ],
        )
    assert [type(answer) for answer in answers] == [NoSuchReply, Sent, Repeated, NotAMember, Sent]
    assert isinstance(answers[1], Sent)
    assert isinstance(answers[2], Repeated)
    assert answers[2].message.id == answers[1].message.id


async def test_a_repeat_whose_message_was_purged_meanwhile_finds_nobody_there(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await conversations.purge(pool, [room])
    assert await messages.repeated(pool, [Prior(room, 1)]) == [NotAMember()]


async def test_what_is_traced_keeps_its_span_beside_what_is_not(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    rooms = [await conversation(pool, ann, bob), await conversation(pool, ann, eve)]
    told: list[Logged] = []
    async with sending(pool, told.extend) as queue:
        await at_once(queue, [(rooms[0], draft(ann, span=b"traced")), (rooms[1], draft(ann)), (rooms[1], draft(eve))])
    noted = await pool.fetch("SELECT conversation_id, seq, span FROM outbox")
    assert {(row["conversation_id"], row["seq"]): row["span"] for row in noted} == {
        (rooms[0], 1): b"traced",
        (rooms[1], 1): None,
        (rooms[1], 2): None,
    }
    assert [(event.key, event.span) for event in told if event.span] == [((rooms[0], 1), b"traced")]


@pytest.mark.parametrize("prepared", [True, False])
async def test_joined_sends_work_on_whatever_session_a_pooler_gives(
    database_url: str, tmp_path: Path, prepared: bool
) -> None:
    """A PgBouncer that does not follow prepared statements is not asked to: Postgres stands in for one that does."""
    async with AsyncExitStack() as stack:
        url = database_url
        if not prepared or pgbouncer.follows_prepared_statements():
            url = await stack.enter_async_context(pgbouncer.pgbouncer(tmp_path / "pgbouncer", url, size=2))
        pool = await open_pool(url, size=6, prepared=prepared)
        stack.push_async_callback(pool.close)
        [ann, *others] = await people(pool, 30)
        rooms = [await conversation(pool, ann, other) for other in others]
        async with sending(pool, workers=3) as queue:
            for _ in range(3):
                answers = await at_once(queue, [(room, draft(ann)) for room in rooms])
                assert all(isinstance(answer, Sent) for answer in answers)
        assert await pool.fetch(WRONG_HEADS) == []
