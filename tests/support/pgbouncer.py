"""A real PgBouncer in transaction mode before a Postgres."""

import contextlib
import getpass
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from services.embedded.ports import free_port
from tests.support.tools import require_tool
from tests.support.waiting import eventually

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
{prepared}
"""


def version() -> tuple[int, int]:
    told = subprocess.run([require_tool("pgbouncer"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", told)
    assert found is not None, told
    return int(found[1]), int(found[2])


def follows_prepared_statements() -> bool:
    return version() >= (1, 21)


@contextlib.asynccontextmanager
async def pgbouncer(directory: Path, database_url: str, *, size: int) -> AsyncIterator[str]:
    """The URL of the same database behind it. `size` sessions at Postgres serve whoever comes."""
    parts = urlsplit(database_url)
    directory.mkdir()
    directory.chmod(0o755)
    users, listen = directory / "users.txt", free_port()
    users.write_text(f'"{parts.username}" "{unquote(parts.password or "")}"\n')
    configuration = directory / "pgbouncer.ini"
    prepared = "max_prepared_statements = 100" if follows_prepared_statements() else ""
    configuration.write_text(
        CONFIGURATION.format(port=parts.port, listen=listen, users=users, size=size, prepared=prepared)
    )
    # It refuses to run as root.
    user = ["--user", "nobody"] if getpass.getuser() == "root" else []
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([require_tool("pgbouncer"), *user, str(configuration)], stdout=log, stderr=log)
    url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{listen}"))

    async def answers() -> bool:
        assert process.poll() is None, (directory / "log").read_text()
        try:
            connection = await asyncpg.connect(url, statement_cache_size=0, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    try:
        await eventually(answers)
        yield url
    finally:
        process.terminate()
        process.wait(10)
