"""What is kept for a while only goes when its time is over, and not before."""

from persistence.database import retention
from persistence.database.pool import Pool
from shared.ids import new_id


async def rows_of_ages(pool: Pool, days: float) -> None:
    """One row of this age in each table."""
    ids = [new_id() for _ in range(3)]
    age = f"now() - interval '{days} days'"
    await pool.execute(
        "INSERT INTO push_ledger (conversation_id, message_id, device_id, seq, user_id, state, lease_until, created_at)"
        f" VALUES ($1, $2, $3, 1, $3, 'sent', now(), {age})",
        *ids,
    )
    await pool.execute(
        "INSERT INTO push_decisions (conversation_id, message_id, user_id, reason, decided_at)"
        f" VALUES ($1, $2, $3, 'read', {age})",
        *ids,
    )
    await pool.execute(
        "INSERT INTO cursor_moves (conversation_id, user_id, moved_at, delivered_seq, attended_seq, read_seq)"
        f" VALUES ($1, $2, {age}, 1, 1, 1)",
        *ids[:2],
    )


async def test_each_table_keeps_what_its_time_allows(pool: Pool) -> None:
    for days in (0, 1.9, 2.1, 6.9, 7.1):
        await rows_of_ages(pool, days)

    assert await retention.sweep(pool) == 1 + 1 + 3
    assert await retention.sweep(pool) == 0

    left = {
        table: await pool.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("push_ledger", "push_decisions", "cursor_moves")
    }
    assert left == {"push_ledger": 4, "push_decisions": 4, "cursor_moves": 2}
