"""The newest matches of many conversations come in order, page by page, each once, whatever the bounds."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.search.merge import Found, Merge, Merged, Part
from persistence.search.place import Place
from shared.http.fields import MAX_SEQ

START = datetime(2026, 1, 1, tzinfo=UTC)
Rows = list[tuple[Place, bool]]


class Shelf:
    """Conversations in memory, newest row first; counts what is read."""

    def __init__(self, rooms: Sequence[Rows]) -> None:
        self.rooms = rooms
        self.read_rows = 0

    async def read(self, parts: Sequence[Part]) -> list[Found]:
        return [self._one(part) for part in parts]

    def _one(self, part: Part) -> Found:
        rows = [row for row in self.rooms[part.room] if row[0] < part.below][: part.rows]
        self.read_rows += len(rows)
        return Found(len(rows), rows[-1][0] if rows else None, [place for place, matches in rows if matches])

    def tops(self, below: Place | None) -> list[Place]:
        tops = [Place(rows[0][0].at, rows[0][0].conversation_id, MAX_SEQ) for rows in self.rooms]
        return tops if below is None else [min(top, below.within(top.conversation_id)) for top in tops]

    async def page(self, below: Place | None, limit: int, most_rows: int) -> Merged:
        return await Merge(self.tops(below), limit, self.read, most_rows=most_rows).run()

    async def pages(self, limit: int, most_rows: int) -> list[Merged]:
        pages = [await self.page(None, limit, most_rows)]
        while (below := pages[-1].next) is not None:
            again = Place.from_cursor(below.to_cursor())
            assert again == below
            pages.append(await self.page(again, limit, most_rows))
            assert pages[-1].next is None or pages[-1].next < below, "a search that goes on comes further"
        return pages


def _room(number: int, steps: list[tuple[int, bool]]) -> Rows:
    """Its times never fall; many are the same, within a conversation and between them."""
    at, rows = 0, []
    for seq, (step, matches) in enumerate(steps, 1):
        at += step
        rows.append((Place(START + timedelta(milliseconds=at), f"00000000-0000-4000-8000-{number:012}", seq), matches))
    return rows[::-1]


steps = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=30)
shelves = st.lists(steps, min_size=1, max_size=5).map(
    lambda rooms: Shelf([_room(number, room) for number, room in enumerate(rooms)])
)


@settings(deadline=None, max_examples=60)
@given(shelves, st.integers(1, 10), st.integers(1, 60))
def test_all_pages_together_are_all_matches_once_and_newest_first(shelf: Shelf, limit: int, most_rows: int) -> None:
    pages = asyncio.run(shelf.pages(limit, most_rows))

    found = [place for page in pages for place in page.places]
    assert found == sorted((place for rows in shelf.rooms for place, matches in rows if matches), reverse=True)
    assert all(len(page.places) <= limit for page in pages)
    assert all(len(page.places) == limit for page in pages[:-1] if page.complete)


@settings(deadline=None, max_examples=30)
@given(shelves, st.integers(1, 60))
def test_no_page_reads_more_rows_than_its_bound(shelf: Shelf, most_rows: int) -> None:
    asyncio.run(shelf.page(None, 10, most_rows))
    assert shelf.read_rows <= most_rows


def test_a_common_word_costs_little_and_a_bound_in_time_ends_a_search_that_goes_on() -> None:
    shelf = Shelf([_room(number, [(1, True)] * 1000) for number in range(40)])
    page = asyncio.run(shelf.page(None, 20, 200_000))
    assert (len(page.places), page.complete) == (20, True)
    assert shelf.read_rows <= 16_000
    none = asyncio.run(Merge(shelf.tops(None), 20, shelf.read).run(seconds=0))
    assert (none.places, none.complete) == ([], False)
    assert none.next == max(shelf.tops(None))
    assert all(one > other for one, other in pairwise(page.places))
