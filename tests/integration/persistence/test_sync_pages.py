"""A sync of more conversations than one answer holds: page by page, together as if it were one."""

from collections.abc import Iterator

import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.receipts import cursors
from persistence.sync import rows as sync_rows
from persistence.sync import sync
from persistence.sync.filling import DEFAULT_BOUNDS, Bounds
from persistence.sync.views import Place, Sync
from shared.ids import new_id
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, people, say

FEW = Bounds(conversations=3)


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_rows, "SLICE", 2)


async def pages(
    pool: Pool, user: str, known: dict[str, int], as_of: int | None = None, bounds: Bounds = FEW
) -> list[Sync]:
    """As a client asks: those that are not told completely are named again, further on."""
    answers: list[Sync] = []
    wanted, after = dict(known), None
    while True:
        answer = await sync.sync(pool, user, wanted, as_of, bounds, after=after)
        answers.append(answer)
        for key, told in answer.conversations.items():
            if told.complete:
                wanted.pop(key, None)
            else:
                wanted[key] = told.last_seq
        if answer.next is None:
            return answers
        following = Place.from_text(answer.next)
        assert after is None or following.conversation_id > after.conversation_id, "no progress"
        after = following


def events(answers: list[Sync]) -> Iterator[tuple[str, bytes]]:
    for answer in answers:
        for key, told in answer.conversations.items():
            for frame in told.events:
                yield key, bytes(frame)


async def talks(pool: Pool, number: int) -> tuple[str, list[str]]:
    """Somebody, and so many conversations of theirs; in each a few messages more than in the one before."""
    [ann, *others] = await people(pool, number + 1)
    rooms = [await conversation(pool, ann, other) for other in others]
    for count, (room, other) in enumerate(zip(rooms, others, strict=True)):
        if count:
            await say(pool, room, other, count)
    return ann, sorted(rooms)


async def test_the_pages_tell_together_what_one_answer_would(pool: Pool) -> None:
    ann, rooms = await talks(pool, 11)
    whole = await sync.sync(pool, ann, {}, None, DEFAULT_BOUNDS)

    answers = await pages(pool, ann, {})

    assert len(answers) > 2
    assert all(len(answer.conversations) <= 4 for answer in answers), "a page and one slice more"
    assert sorted(events(answers)) == sorted(events([whole]))
    assert sorted(key for answer in answers for key in answer.conversations) == rooms
    assert [answer.complete for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert {answer.as_of for answer in answers} == {answers[0].as_of}


async def test_what_did_not_fit_into_a_page_comes_with_the_next_ones_and_nothing_twice(pool: Pool) -> None:
    ann, rooms = await talks(pool, 9)
    known = dict.fromkeys(rooms, 0)
    whole = await sync.sync(pool, ann, known, None, DEFAULT_BOUNDS)
    bounds = Bounds(events=5, conversations=3)

    told: list[Sync] = []
    while not told or not told[-1].complete:  # the last page may leave some for the next run, as it says
        told += await pages(pool, ann, known, int(told[0].as_of) if told else None, bounds)
        for answer in told:
            for key, one in answer.conversations.items():
                known[key] = max(known[key], one.last_seq)

    frames = list(events(told))
    assert len(frames) == len(set(frames))
    assert sorted(frames) == sorted(events([whole]))


async def test_a_client_that_has_all_is_told_nothing_however_many_conversations_it_names(pool: Pool) -> None:
    ann, rooms = await talks(pool, 9)
    first = await sync.sync(pool, ann, {}, None, DEFAULT_BOUNDS)
    known = {key: told.last_seq for key, told in first.conversations.items()}
    moved = rooms[4]
    await say(pool, moved, ann, 1)

    [answer] = await pages(pool, ann, known, int(first.as_of))

    assert list(answer.conversations) == [moved]
    assert (answer.complete, answer.next, answer.left) == (True, None, [])


async def test_each_conversation_that_is_left_is_told_once(pool: Pool) -> None:
    ann, rooms = await talks(pool, 9)
    strange = [new_id() for _ in range(6)]
    await conversations.hide(pool, ann, rooms[3])

    answers = await pages(pool, ann, dict.fromkeys([*strange, *rooms], 0))

    assert sorted(key for answer in answers for key in answer.left) == sorted([*strange, rooms[3]])


async def test_a_cursor_that_moves_between_two_pages_is_told_after_the_mark_of_the_first(pool: Pool) -> None:
    ann, rooms = await talks(pool, 9)
    await say(pool, rooms[1], ann)
    first = await sync.sync(pool, ann, {}, None, FEW)
    query = "SELECT user_id FROM participants WHERE conversation_id = $1 AND user_id <> $2"
    other = await pool.fetchval(query, rooms[1], ann)
    await cursors.advance(pool, [Cursor(rooms[1], other, read=100)])
    assert first.next is not None
    last = await sync.sync(pool, ann, {}, None, Bounds(), after=Place.from_text(first.next))
    assert rooms[1] not in last.conversations

    known = dict.fromkeys(rooms, 100)
    known |= {key: told.last_seq for answer in (first, last) for key, told in answer.conversations.items()}
    again = await sync.sync(pool, ann, known, int(last.as_of), DEFAULT_BOUNDS)
    assert rooms[1] in again.conversations


async def test_how_many_rows_a_sync_looks_at_is_bounded_whatever_groups_there_are(pool: Pool) -> None:
    everyone = await people(pool, 30)
    for _ in range(6):
        await conversation(pool, *everyone)
    answers = await pages(pool, everyone[0], {}, None, Bounds(rows=50))
    assert [len(answer.conversations) for answer in answers] == [2, 2, 2, 0][: len(answers)]
    assert len(answers) >= 3
