"""Bringing a client up to date after any absence: what happened since, never with a hole that looks like none."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from persistence.database.pool import Connection, Pool, Row, snapshot
from persistence.sync import rows as sync_rows
from persistence.sync.filling import DEFAULT_BOUNDS, Bounds, Catch, Reader, fill
from persistence.sync.views import Place, Reached, Sync, SyncedConversation

NEWEST_MESSAGES = 50
"""Of a conversation that the client does not name, and all events since the first of them."""
AT_ONCE = 200
"""Conversations that are put into an answer in one turn of the loop."""


@dataclass
class _Page:
    """The conversations of an answer that are told of for the first time in this catching up."""

    epoch: str
    as_of: int
    told: dict[str, Catch]
    mine: set[str]
    blocks_changed: bool
    end: str | None
    """The last that was looked at; None where nothing lies behind it."""


async def sync(
    pool: Pool,
    user_id: str,
    wanted: Mapping[str, int],
    as_of: int | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
    *,
    after: Place | None = None,
    compact: bool = False,
) -> Sync:
    """What the user's client lacks that has each `wanted` conversation up to and with this seq.

    A conversation is told of if it has later events, if the client does not name it, or if a cursor in it moved since
    `as_of`, the number of an earlier answer (any did, without one). Each one's events begin right after the seq named,
    or with what the user still sees of it, or with the newest NEWEST_MESSAGES, without a hole; `first_seq` says where.
    A client that names a seq past the head has another history: it gets the newest events, as if it had named none.
    `left` are those named that are not, or no longer, in the user's list. `compact`: not every event, but what they
    came to (`sync.compact`).

    Where more conversations wait than the bounds let in, `next` is the place `after` which the next question goes on;
    it is told as well of those before that place in which it still lacks events, with up to half of the bounds, so that
    every answer comes further. `as_of` is that of the first of these answers: what moves meanwhile is told again. One
    answer is of one moment.
    """
    async with snapshot(pool) as connection:
        return await _sync(connection, Reader(user_id, compact), wanted, as_of, bounds, after)


async def _sync(
    database: Connection,
    reader: Reader,
    wanted: Mapping[str, int],
    as_of: int | None,
    bounds: Bounds,
    after: Place | None,
) -> Sync:
    user_id = reader.user_id
    unfinished = await sync_rows.behind(database, user_id, wanted, after, bounds.conversations)
    old = {row["id"]: _catch(row, wanted[row["id"]], is_named=True) for row in unfinished}
    await fill(database, old, bounds.half(), reader)
    page = await _look(database, user_id, wanted, as_of or 0, after, bounds)
    left = bounds.left([frame for catch in old.values() for frame in catch.frames])
    await fill(database, page.told, left, reader)
    if page.end is not None:
        _cut(page)
    told = {**old, **page.told}
    begun = page.as_of if after is None else after.as_of
    is_whole = page.end is None and len(unfinished) < bounds.conversations
    return Sync(
        epoch=page.epoch,
        as_of=str(begun),
        conversations=await _all_synced(
            told, await sync_rows.hidden_since(database, user_id, _hiders(told), as_of or 0)
        ),
        left=[key for key in wanted if key not in page.mine and _is_between(key, after, page.end)],
        complete=is_whole and all(catch.complete for catch in told.values()),
        next=None if page.end is None else Place(begun, page.end).to_text(),
        blocked_users=await sync_rows.blocked(database, user_id) if page.blocks_changed else UNSET,
    )


def _is_between(key: str, after: Place | None, end: str | None) -> bool:
    """Whether this answer judges it."""
    return (after is None or key > after.conversation_id) and (end is None or key <= end)


async def _look(
    database: Connection, user_id: str, wanted: Mapping[str, int], as_of: int, after: Place | None, bounds: Bounds
) -> _Page:
    """Slice by slice, until the answer is full or everything was looked at."""
    start = None if after is None else after.conversation_id
    page: _Page | None = None
    rows = events = 0
    while page is None or page.end is not None:
        looked = await sync_rows.look(database, user_id, as_of, start if page is None else page.end)
        page = page or _Page(looked.epoch, looked.as_of, {}, set(), looked.blocks_changed, None)
        page.end = looked.end
        known = await _known(database, looked.rows, wanted)
        for row in looked.rows:
            page.mine.add(row["id"])
            catch = _catch(row, known[row["id"]], is_named=known[row["id"]] == wanted.get(row["id"]))
            rows += row["members"]
            if _is_news(catch, row["id"] in wanted):
                page.told[row["id"]] = catch
                events += catch.head - catch.start
        # A client that asks for the first time may be an older one, which knows no places: it gets as many as ever.
        is_full = rows >= bounds.rows or len(page.told) >= bounds.conversations
        if is_full or (after is not None and events >= bounds.events):
            break
    return page


def _cut(page: _Page) -> None:
    """Conversations of which not even the first event fitted in wait for the next answer, all but the first."""
    keys = list(page.told)
    for n, key in enumerate(keys[1:], 1):
        catch = page.told[key]
        if catch.start == catch.reached < catch.head:
            page.end = keys[n - 1]
            for later in keys[n:]:
                del page.told[later]
            return


async def _known(database: Connection, rows: Sequence[Row], wanted: Mapping[str, int]) -> dict[str, int]:
    """Up to where the client has each conversation, or begins in one that it does not name or has otherwise."""
    named = {
        row["id"]: wanted[row["id"]] for row in rows if wanted.get(row["id"], row["last_seq"] + 1) <= row["last_seq"]
    }
    others = [row for row in rows if row["id"] not in named]
    return {**named, **await sync_rows.before_newest(database, others, NEWEST_MESSAGES)}


def _catch(row: Row, known_seq: int, *, is_named: bool) -> Catch:
    start = max(known_seq, row["begins"], 0)
    return Catch(row, start, row["last_seq"], reached=start, knows=start == known_seq and is_named)


def _is_news(catch: Catch, is_named: bool) -> bool:
    return not is_named or not catch.complete or bool(catch.row["moved"])


def _hiders(told: Mapping[str, Catch]) -> list[str]:
    return [key for key, catch in told.items() if catch.row["hid_messages"]]


async def _all_synced(told: Mapping[str, Catch], hidden: Mapping[str, list[str]]) -> dict[str, SyncedConversation]:
    """With a pause now and then: there may be thousands, with fifty cursors each."""
    synced: dict[str, SyncedConversation] = {}
    for number, (key, catch) in enumerate(told.items(), 1):
        synced[key] = _synced(catch, hidden.get(key))
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
    return synced


def _synced(catch: Catch, hidden: list[str] | None) -> SyncedConversation:
    row = catch.row
    return SyncedConversation(
        events=catch.frames,
        first_seq=catch.start + 1,
        last_seq=catch.reached,
        as_of_seq=catch.head,
        complete=catch.complete,
        read_seq=row["read_seq"],
        unread_count=row["unread_count"],
        mention_count=row["mention_count"],
        delivered_up_to=row["delivered_up_to"],
        read_up_to=row["read_up_to"],
        cursors=_cursors(row),
        hidden=hidden or UNSET,
    )


def _cursors(row: Row) -> dict[str, Reached] | None:
    if row["ids"] is None:
        return None
    each = zip(row["ids"], row["delivered"], row["read"], strict=True)
    return {user_id: Reached(delivered, read) for user_id, delivered, read in each}
