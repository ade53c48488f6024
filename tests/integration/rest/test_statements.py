"""How many statements a request costs does not grow with what it reads: no N+1 anywhere."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery

from persistence.database.pool import Pool
from persistence.sync.rows import SLICE
from tests.integration.rest.conftest import Person, Rest
from tests.support.waiting import eventually

FEW, MANY = 3, 1000

_CONVERSATIONS = """
INSERT INTO conversations (id, created_at, updated_at, members, is_group, created_by)
SELECT gen_random_uuid(), now(), now() - make_interval(secs => n), 2, false, $1
FROM generate_series(1, $2::int) AS n
"""
_PARTICIPANTS = """
INSERT INTO participants (conversation_id, user_id, joined_at)
SELECT c.id, u.id, now() FROM conversations c, unnest($1::uuid[]) AS u(id) WHERE c.created_by = $2
"""
_MESSAGES = """
INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
SELECT c.id, n, n, now(), now(), gen_random_uuid(), $1, 'a text'
FROM conversations c, generate_series(1, 2) AS n WHERE c.created_by = $1
"""


async def talkative(rest: Rest, conversations: int) -> Person:
    """Who is in so many conversations of two, each with two messages, and is known to the process."""
    person, other = rest.person(), rest.person("bob")
    await person.start(other)
    pool = rest.parts.pool
    await pool.execute(_CONVERSATIONS, person.id, conversations - 1)
    await pool.execute("DELETE FROM participants WHERE user_id = ANY ($1::uuid[])", [person.id, other.id])
    await pool.execute(_PARTICIPANTS, [person.id, other.id], person.id)
    await pool.execute("UPDATE conversations SET last_seq = 2, last_ordinal = 2")
    await pool.execute(_MESSAGES, person.id)
    await eventually(lambda: _all_told(pool))  # what follows a conversation's making is no statement of a reader's
    return person


async def _all_told(pool: Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM user_outbox")


@asynccontextmanager
async def statements(pool: Pool) -> AsyncIterator[list[str]]:
    """Every statement that the pool runs meanwhile, but for those by which asyncpg learns of a type, without JIT, and
    the bounds of transactions."""
    seen: list[str] = []

    def note(record: LoggedQuery) -> None:
        if not any(part in record.query for part in ("typeinfo", "'jit'", "BEGIN", "COMMIT")):
            seen.append(record.query)

    async with AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            connection = await stack.enter_async_context(pool.acquire())
            connection.add_query_logger(note)
    yield seen


async def asked(rest: Rest, person: Person, what: str) -> tuple[int, Any]:
    """How many statements this took, and the answer."""
    rooms = await rest.parts.pool.fetch("SELECT conversation_id FROM participants WHERE user_id = $1", person.id)
    async with statements(rest.parts.pool) as seen:
        if what == "sync":
            answer = await person.post("/api/sync", {"conversations": {room["conversation_id"]: 2 for room in rooms}})
        else:
            answer = await person.get(what, limit=100)
    return len(seen), answer


@pytest.mark.parametrize(("asks", "most"), [("/api/conversations", 1), ("sync", MANY // SLICE + 1)])
async def test_a_thousand_conversations_are_read_with_one_statement_and_synced_with_one_for_each_slice(
    asks: str, most: int, rest: Rest
) -> None:
    few, _ = await asked(rest, await talkative(rest, FEW), asks)
    many, answer = await asked(rest, await talkative(rest, MANY), asks)
    assert len(answer["conversations"]) == (100 if asks != "sync" else MANY)
    assert few == 1
    assert many <= most


async def test_what_a_send_asks_about_blocks_and_mutes_costs_no_further_statement(rest: Rest) -> None:
    """One statement sends, whoever blocks or is muted; a refusal costs that one as well."""
    ann, bob, cid, mod = rest.person("ann"), rest.person("bob"), rest.person("cid"), await rest.moderator()
    free, barred, silent = await ann.start(cid), await ann.start(bob), await ann.start(mod)
    await ann.put(f"/api/blocks/{bob.id}")
    await mod.put(
        f"/moderation/conversations/{silent}/mutes/{ann.id}", {"reason": "x", "until": "2090-01-01T00:00:00Z"}
    )
    await eventually(lambda: _all_told(rest.parts.pool))

    async with statements(rest.parts.pool) as seen:
        await ann.send(free, "hello")
        for person, room in ((ann, barred), (bob, barred), (ann, silent)):
            await person.send(room, "hello", 403)

    assert len([one for one in seen if "INSERT INTO messages" in one]) == 4
    assert not [one for one in seen if "blocks" in one]
