"""The migration runner: what it applies, in which order, once; and what it leaves when something fails."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from persistence.database.migrate import MigrationError, migrate

SLOW_TABLE = "SELECT pg_sleep(0.2); CREATE TABLE {name} (id bigint);"


def write(directory: Path, **files: str) -> Path:
    """Write `n0001_one="SQL"` as 0001_one.sql."""
    for name, sql in files.items():
        (directory / f"{name[1:]}.sql").write_text(sql)
    return directory


async def fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    value = await connection.fetchval(query)
    await connection.close()
    return value


async def tables(url: str) -> object:
    return await fetchval(
        url, "SELECT array_agg(tablename ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
    )


async def test_the_real_migrations_apply_to_an_empty_database_once(empty_database_url: str) -> None:
    first = await migrate(empty_database_url)

    assert first[0] == "0001_ground.sql"
    assert await migrate(empty_database_url) == []


async def test_only_new_files_are_applied_in_the_order_of_their_numbers(
    empty_database_url: str, tmp_path: Path
) -> None:
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint);")
    await migrate(empty_database_url, tmp_path)
    write(tmp_path, n0003_three="ALTER TABLE two ADD COLUMN b bigint;", n0002_two="CREATE TABLE two (a bigint);")

    assert await migrate(empty_database_url, tmp_path) == ["0002_two.sql", "0003_three.sql"]


async def test_of_many_at_once_exactly_one_applies_each_file(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_one=SLOW_TABLE.format(name="one"), n0002_two=SLOW_TABLE.format(name="two"))

    applied = await asyncio.gather(*(migrate(empty_database_url, tmp_path) for _ in range(8)))

    assert sorted(applied) == [[]] * 7 + [["0001_one.sql", "0002_two.sql"]]


async def test_of_a_failed_file_nothing_stays_and_those_before_it_do(empty_database_url: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        n0001_one="CREATE TABLE one (id bigint);",
        n0002_two="CREATE TABLE two (id bigint);\nINSERT INTO one VALUES ('not a number');",
    )

    with pytest.raises(MigrationError, match=r"0002_two\.sql, line 2: .*not a number"):
        await migrate(empty_database_url, tmp_path)

    assert await tables(empty_database_url) == ["one", "parley_migrations"]


async def test_a_corrected_file_applies_after_its_failure(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint); SELECT 1 / 0;")
    with pytest.raises(MigrationError):
        await migrate(empty_database_url, tmp_path)

    write(tmp_path, n0001_one="CREATE TABLE one (id bigint);")

    assert await migrate(empty_database_url, tmp_path) == ["0001_one.sql"]


async def test_a_process_that_dies_while_migrating_leaves_nothing_and_no_lock(
    empty_database_url: str, tmp_path: Path
) -> None:
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint); SELECT pg_sleep(60);")
    dying = asyncio.create_task(migrate(empty_database_url, tmp_path))
    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60);' AND datname = current_database()"
    )
    while not await fetchval(empty_database_url, sleeping):
        await asyncio.sleep(0.01)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying

    write(tmp_path, n0001_one="CREATE TABLE other (id bigint);")
    assert await migrate(empty_database_url, tmp_path) == ["0001_one.sql"]
    assert await tables(empty_database_url) == ["other", "parley_migrations"]


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint);")
    await migrate(empty_database_url, tmp_path)
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint, more text);", n0002_two="CREATE TABLE two (id bigint);")

    with pytest.raises(MigrationError, match=r"0001_one\.sql was changed"):
        await migrate(empty_database_url, tmp_path)

    assert await tables(empty_database_url) == ["one", "parley_migrations"]


async def test_an_older_release_accepts_a_newer_schema(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_one="CREATE TABLE one (id bigint);", n0002_two="CREATE TABLE two (id bigint);")
    await migrate(empty_database_url, tmp_path)
    (tmp_path / "0002_two.sql").unlink()

    assert await migrate(empty_database_url, tmp_path) == []


async def test_an_index_is_built_concurrently_while_others_wait_to_migrate(
    empty_database_url: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        n0001_one="CREATE TABLE one (id bigint); INSERT INTO one SELECT generate_series(1, 100000);",
        n0002_index="""-- no-transaction
-- A failed build leaves an invalid index: begin without it; this comment ends with a semicolon;
DROP INDEX CONCURRENTLY IF EXISTS one_id;
CREATE INDEX CONCURRENTLY one_id ON one (id);
""",
    )

    applied = await asyncio.gather(*(migrate(empty_database_url, tmp_path) for _ in range(4)))

    assert sorted(applied) == [[]] * 3 + [["0001_one.sql", "0002_index.sql"]]
    assert await fetchval(empty_database_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'one_id'::regclass")


async def test_a_files_timeouts_are_not_those_of_the_next(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_one="SET statement_timeout = '100ms';", n0002_two="SELECT pg_sleep(0.3);")

    assert len(await migrate(empty_database_url, tmp_path)) == 2


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"n0001_one": "SELECT 1;", "n0001_two": "SELECT 1;"}, "same number"),
        ({"n1_one": "SELECT 1;"}, "is named"),
        ({"n0001_one": "BEGIN;\nSELECT 1;\nCOMMIT;"}, "no BEGIN or COMMIT"),
    ],
)
async def test_files_that_could_not_be_migrations_are_refused(
    empty_database_url: str, tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    with pytest.raises(MigrationError, match=reason):
        await migrate(empty_database_url, write(tmp_path, **files))


async def test_a_database_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(MigrationError, match=r"^DATABASE_URL: cannot reach Postgres: .*$") as raised:
        await migrate("postgresql://parley:secret@127.0.0.1:1/parley")
    assert "secret" not in str(raised.value)
