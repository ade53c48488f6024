"""The numbers for the product: each is what a plain count gives, however often and by whomever it is computed."""

import asyncio
import json
import random
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import asyncpg
import pytest

from persistence.database.pool import Pool, open_pool
from persistence.stats import activity, filling, store
from persistence.stats.activity import Activity
from persistence.stats.definitions import METRICS, SENDING
from persistence.stats.filling import DAY, HOUR, Rules
from shared.ids import new_id
from tests.integration.persistence.talk import people

BEGIN = datetime(2026, 3, 28, tzinfo=UTC)
"""The clocks of Berlin change in the night to the 29th."""
NOW = BEGIN + timedelta(days=2, minutes=10)
RULES = Rules(minimum=2)

Message = tuple[str, int, str, datetime]
_INSERT = """
INSERT INTO messages (conversation_id, seq, ordinal, sender_id, created_at, updated_at, id, text)
VALUES ($1, $2, $2, $3, $4, $4, gen_random_uuid(), 'x')
"""
_MANY = """
INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
SELECT '00000000-0000-4000-8000-000000000000', n, n, at, at, gen_random_uuid(), $1, 'some words'
FROM generate_series(1, 100000) AS n CROSS JOIN LATERAL (SELECT $2::timestamptz + n * interval '36 s') AS t(at)
"""


@pytest.fixture
async def town(pool: Pool) -> list[Message]:
    """Four conversations, some hundred messages in two days, and when each was delivered and read."""
    dice = random.Random(25)
    users = await people(pool, 6)
    await pool.execute("UPDATE users SET created_at = $1", BEGIN + timedelta(minutes=10))
    rooms = {new_id(): is_group for is_group in (True, True, False, False)}
    said: list[Message] = []
    for room, is_group in rooms.items():
        members = users if is_group else users[:2]
        times = sorted(BEGIN + timedelta(seconds=dice.randrange(2 * 86_400)) for _ in range(150))
        said += [(room, seq, dice.choice(members), at) for seq, at in enumerate(times, 1)]
        await _make(pool, room, is_group, members, len(times))
    await pool.executemany(_INSERT, said)
    moves = [
        (room, user, at + timedelta(seconds=dice.choice([1, 4, 30, 90])), seq, seq if seq % 3 else seq - 1)
        for room, seq, sender, at in said
        for user in (users if rooms[room] else users[:2])
        if user != sender
    ]
    await pool.executemany("INSERT INTO cursor_moves VALUES ($1, $2, $3, $4, 0, $5)", moves)
    return said


async def _make(pool: Pool, room: str, is_group: bool, members: list[str], messages: int) -> None:
    await pool.execute(
        "INSERT INTO conversations (id, last_seq, last_ordinal, created_at, updated_at, members, is_group, created_by)"
        " VALUES ($1, $2, $2, $3, $3, $4, $5, $6)",
        room, messages, BEGIN + timedelta(minutes=30), len(members), is_group, members[0],
    )  # fmt: skip
    await pool.executemany(
        "INSERT INTO participants (conversation_id, user_id, joined_at) VALUES ($1, $2, $3)",
        [(room, user, BEGIN) for user in members],
    )


async def fill(pool: Pool, now: datetime = NOW) -> None:
    while await filling.fill(pool, RULES, now):
        pass


async def numbers(pool: Pool) -> dict[str, Any]:
    span = store.Span(BEGIN - timedelta(days=40), NOW)
    return {
        f"{name} by hour {by_hour}": [(point.at, point.value) for point in points]
        for by_hour in (True, False)
        for name, points in (await store.read(pool, METRICS, span, by_hour=by_hour)).items()
    }


async def test_every_number_is_what_a_plain_count_gives(pool: Pool, town: list[Message]) -> None:
    await fill(pool)

    told = {name: dict(points) for name, points in (await numbers(pool)).items()}
    groups = {row["id"] for row in await pool.fetch("SELECT id FROM conversations WHERE is_group")}
    for step, by_hour in ((HOUR, True), (DAY, False)):
        at = BEGIN
        while at + step.length <= NOW - filling.DELAY:
            here = [one for one in town if at <= one[3] < at + step.length]
            name, key = f" by hour {by_hour}", at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            senders, rooms = {one[2] for one in here}, {one[0] for one in here}
            assert told["messages" + name][key] == len(here)
            assert told["senders" + name][key] == len(senders)
            assert told["active_conversations" + name][key] == len(rooms)
            assert told["active_groups" + name][key] == len(rooms & groups)
            assert told["group_messages" + name][key] == sum(one[0] in groups for one in here)
            assert told["messages_per_sender" + name].get(key) == (len(here) / len(senders) if senders else None)
            _same(told["reply_median_seconds" + name].get(key), _replies(town, here))
            at += step.length
    first = BEGIN.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert told["new_conversations by hour True"][first] == 4
    assert told["new_groups by hour False"][first] == 2
    assert told["new_users by hour False"][first] == 6
    await _arrivals_are_right(pool, told)


def _replies(town: list[Message], here: list[Message]) -> float | None:
    before = {(room, seq + 1): (sender, at) for room, seq, sender, at in town}
    gaps = []
    for room, seq, sender, at in here:
        other, then = before.get((room, seq), (sender, at))
        if other != sender and at - then < timedelta(days=1):
            gaps.append((at - then).total_seconds())
    return median(gaps) if len(gaps) >= RULES.minimum else None


def _same(found: float | None, expected: float | None) -> None:
    assert found == (None if expected is None else pytest.approx(expected))


async def _arrivals_are_right(pool: Pool, told: dict[str, dict[str, float]]) -> None:
    """By a count of all pairs of message and recipient, one by one."""
    rows = await pool.fetch(
        "SELECT m.created_at, min(v.moved_at - m.created_at) AS took FROM messages m JOIN participants p"
        " ON p.conversation_id = m.conversation_id AND p.user_id <> m.sender_id LEFT JOIN cursor_moves v"
        " ON v.conversation_id = m.conversation_id AND v.user_id = p.user_id AND v.delivered_seq >= m.seq"
        " AND v.moved_at >= m.created_at GROUP BY m.conversation_id, m.seq, p.user_id, m.created_at"
    )
    within = {point: value for point, value in told["delivered_5s by hour True"].items()}
    assert within, "the last hours were computed while the moves were known"
    for at, share in within.items():
        begin = datetime.fromisoformat(at)
        here = [row["took"] for row in rows if begin <= row["created_at"] < begin + timedelta(hours=1)]
        assert share == pytest.approx(sum(took is not None and took.total_seconds() <= 5 for took in here) / len(here))


async def test_a_repeat_an_interruption_two_processes_and_a_change_of_clocks_leave_the_same_numbers(
    pool: Pool, town: list[Message], database_url: str
) -> None:
    await fill(pool)
    first = await numbers(pool)

    await filling.reopen(pool, BEGIN, NOW)
    await fill(pool)
    assert await numbers(pool) == first

    await filling.reopen(pool, BEGIN, NOW)
    interrupted = asyncio.create_task(fill(pool))
    await asyncio.sleep(0.2)
    interrupted.cancel()
    await asyncio.gather(interrupted, return_exceptions=True)
    berlin = await _in_berlin(database_url)
    await asyncio.gather(fill(pool), fill(berlin))
    await fill(berlin)
    await berlin.close()
    assert await numbers(pool) == first


async def _in_berlin(database_url: str) -> Pool:
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'")
    await connection.close()
    return await open_pool(database_url, size=3)


async def test_what_is_committed_late_is_counted_a_day_later(pool: Pool, town: list[Message]) -> None:
    await fill(pool, BEGIN + timedelta(hours=3))
    room, _, sender, _ = town[0]
    before = (await numbers(pool))["messages by hour True"][0][1]
    await pool.execute(_INSERT, room, 900, sender, BEGIN + timedelta(minutes=10))

    await fill(pool, BEGIN + timedelta(hours=4))
    assert (await numbers(pool))["messages by hour True"][0][1] == before
    await fill(pool, BEGIN + timedelta(hours=26))
    assert (await numbers(pool))["messages by hour True"][0][1] == before + 1
    assert await filling.fill(pool, RULES, BEGIN + timedelta(hours=26)) == 0


async def test_shares_and_medians_of_too_few_are_not_told(pool: Pool, town: list[Message]) -> None:
    while await filling.fill(pool, Rules(minimum=10_000), NOW):
        pass

    told = await numbers(pool)
    assert told["messages by hour True"]
    for name in ("delivered_5s", "reply_median_seconds", "retention_d1"):
        assert told[f"{name} by hour True"] == told[f"{name} by hour False"] == []


async def test_people_are_counted_once_in_a_day_a_week_and_a_month_and_by_when_they_came(pool: Pool) -> None:
    dice = random.Random(7)
    users = await people(pool, 40)
    days = [date(2026, 2, 20) + timedelta(days=number) for number in range(45)]
    came = {user: dice.choice(days[:10]) for user in users}
    here = {user: {came[user]} | set(dice.sample([one for one in days if one > came[user]], 12)) for user in users}
    for user in users:
        await pool.execute("UPDATE users SET created_at = $2 WHERE id = $1", user, _noon(came[user]))
        for day in here[user]:
            await activity.note(pool, day, [user])

    for day in days[::5]:
        counts = await activity.active(pool, day)
        windows = [{day - timedelta(days=back) for back in range(length)} for length in (1, 7, 30)]
        assert list(counts) == [sum(bool(here[user] & window) for user in users) for window in windows]
        for back in (1, 7, 30):
            cohort = [user for user in users if came[user] == day - timedelta(days=back)]
            share = await activity.retained(pool, day - timedelta(days=back), day, 1)
            assert share == (sum(day in here[user] for user in cohort) / len(cohort) if cohort else None)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture
def noted(pool: Pool) -> Activity:
    return Activity(pool)


async def test_a_user_costs_a_process_one_write_a_day(pool: Pool, noted: Activity) -> None:
    [ann, bob] = await people(pool, 2)
    for _ in range(3):
        noted.seen(ann)
        noted.seen(bob)
        await noted.flush()
    rows = await pool.fetch("SELECT xmin, days FROM activity")
    assert [row["days"] for row in rows] == [activity.bit_of(activity.today())] * 2

    await Activity(pool).flush()
    other = Activity(pool)
    other.seen(ann)
    await other.flush()
    assert await pool.fetch("SELECT xmin, days FROM activity") == rows, "where nothing changes nothing is written"


async def test_activity_that_could_not_be_written_is_written_later(pool: Pool, noted: Activity) -> None:
    [ann] = await people(pool, 1)
    noted.seen(ann)
    await pool.execute("ALTER TABLE activity RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await noted.flush()
    await pool.execute("ALTER TABLE away RENAME TO activity")
    await noted.flush()

    assert await pool.fetchval("SELECT count(*) FROM activity") == 1


async def test_activity_is_forgotten_after_thirteen_months(pool: Pool) -> None:
    [ann] = await people(pool, 1)
    now = activity.today()
    old = (now.replace(day=1) - timedelta(days=31 * 14)).replace(day=1)
    for day in (old, now - timedelta(days=300), now):
        await activity.note(pool, day, [ann])
    await activity.expire(pool)
    assert await pool.fetchval("SELECT min(month) FROM activity") > old


async def test_an_hour_is_read_and_not_the_history(pool: Pool) -> None:
    """Of 100,000 messages in 1,000 hours."""
    [ann] = await people(pool, 1)
    await pool.execute(_MANY, ann, BEGIN, timeout=60)
    await pool.execute("SELECT brin_summarize_new_values('messages_by_age')")
    await pool.execute("ANALYZE messages")
    at = BEGIN + timedelta(hours=700)
    explained = await pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {SENDING.query.sql}", at, at + timedelta(hours=1))

    [plan] = [one for one in _nodes(json.loads(explained)[0]["Plan"]) if one.get("Relation Name") == "messages"]
    assert plan["Actual Rows"] == 100
    assert plan["Actual Rows"] + plan.get("Rows Removed by Index Recheck", 0) <= 10_000


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", ()) for node in _nodes(below))]
