"""Postgres: reachable, new enough, migrated, on time, and with connections for every pool."""

import time
from collections.abc import AsyncIterator

import asyncpg

from persistence.database.migrate import DIRECTORY, MigrationError, read
from persistence.database.pool import DATABASE_FAILURES
from services.checks.clock import skew
from services.checks.finding import Finding, error, ok, warning
from shared.redact import redact_text
from shared.settings import Settings

SUBJECT = "DATABASE_URL"
OLDEST = 13
CONNECT_SECONDS = 5.0

_FACTS = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
       current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
       current_setting('lock_timeout') AS lock_timeout, current_setting('statement_timeout') AS statement_timeout,
       current_setting('default_transaction_read_only') AS read_only,
       pg_is_in_recovery() AS is_replica, to_regclass('parley_migrations') IS NOT NULL AS has_migrations
"""


async def postgres(settings: Settings, persistences: int) -> AsyncIterator[Finding]:
    """`persistences`: how many processes run already, as far as Redis tells."""
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=CONNECT_SECONDS)
    except (*DATABASE_FAILURES, asyncpg.PostgresError, ValueError) as failure:
        yield error(SUBJECT, f"cannot reach Postgres: {redact_text(str(failure) or type(failure).__name__)}")
        return
    try:
        [facts] = await connection.fetch(_FACTS)
        for finding in _judged(facts, settings, persistences):
            yield finding
        before = time.time()
        there = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        yield skew("Postgres", before, there, time.time())
        yield await _migrations(connection, has_record=facts["has_migrations"])
    except (*DATABASE_FAILURES, asyncpg.PostgresError) as failure:
        yield error(SUBJECT, f"Postgres was reached, and then failed: {redact_text(str(failure))}")
    finally:
        await connection.close()


def _judged(facts: asyncpg.Record, settings: Settings, persistences: int) -> list[Finding]:
    found = []
    if facts["number"] < OLDEST * 10_000:
        found.append(error(SUBJECT, f"Postgres {facts['version']} is too old: {OLDEST} or newer"))
    else:
        found.append(ok(SUBJECT, f"Postgres {facts['version']}"))
    if facts["is_replica"]:
        found.append(error(SUBJECT, "is a replica: it takes no writes"))
    if facts["synchronous_commit"] in ("off", "local"):
        found.append(
            warning(
                SUBJECT, f"synchronous_commit is {facts['synchronous_commit']}: a crash may lose what was acknowledged"
            )
        )
    if facts["fsync"] == "off":
        found.append(error(SUBJECT, "fsync is off: a power cut may destroy the database"))
    found += _of_the_role(facts)
    found.append(_pool(facts, settings.database_pool, persistences))
    return found


def _of_the_role(facts: asyncpg.Record) -> list[Finding]:
    """What ALTER ROLE or ALTER DATABASE set for every session of ours."""
    found = []
    if facts["read_only"] == "on":
        found.append(error(SUBJECT, "default_transaction_read_only is on for this role: every send is refused"))
    for name in ("lock_timeout", "statement_timeout"):
        if facts[name] != "0":
            text = f"{name} of this role is {facts[name]}: what takes longer is answered 503, and must be tried again"
            found.append(warning(SUBJECT, text))
    return found


def _pool(facts: asyncpg.Record, pool: int, persistences: int) -> Finding:
    most = facts["connections"]
    wanted = pool * max(1, persistences)
    text = f"{pool} for each of {max(1, persistences)} processes, of {most} connections ({facts['used']} in use)"
    if wanted > most:
        return error("DATABASE_POOL", text)
    if wanted + pool > 0.9 * most:
        return warning("DATABASE_POOL", f"{text}: a rollout needs one process more")
    return ok("DATABASE_POOL", text)


async def _migrations(connection: "asyncpg.Connection[asyncpg.Record]", *, has_record: bool) -> Finding:
    rows = await connection.fetch("SELECT name, sha256 FROM parley_migrations") if has_record else []
    applied = {row["name"]: row["sha256"] for row in rows}
    try:
        known = {migration.name: migration.sha256 for migration in read(DIRECTORY)}
    except MigrationError as broken:
        return error("migrations", str(broken))
    pending = sorted(known.keys() - applied.keys())
    changed = sorted(name for name in known.keys() & applied.keys() if known[name] != applied[name])
    if changed:
        return error("migrations", f"{', '.join(changed)}: was changed after it was applied")
    if pending:
        return error("migrations", f"pending: {', '.join(pending)}; run `python -m services migrate`")
    newer = sorted(applied.keys() - known.keys())
    if newer:
        return warning("migrations", f"the database is newer than this release: {', '.join(newer)}")
    return ok("migrations", f"all {len(known)} are applied")
