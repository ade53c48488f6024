"""What the embedded servers have in common: a directory, a port, a password, a start, an end."""

import asyncio
import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from services.embedded import lock, process
from services.embedded.account import Account, account_for, own, write_private
from services.embedded.errors import StartError
from services.embedded.ports import free_port

START_SECONDS = 60.0  # a recovery after a crash replays the log first
WATCH_SECONDS = 0.5
PORT_FILE = "port"
"""Beside the password: so that a command can reach the server of an `up` that runs."""


class EmbeddedServer(ABC):
    """A server that keeps its data in `directory`; `async with` starts and stops it.

    It may be started again after `stop`, or after it died, on the same port and with the same data.
    Start raises StartError. Nothing here blocks the event loop for longer than a fork and a few small files.
    """

    name: ClassVar[str]
    signal_when_orphaned: ClassVar[int]
    stop_steps: ClassVar[tuple[tuple[int, float], ...]]

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self.port = port or free_port()
        self.log = self.directory / "server.log"
        self._child: process.Child | None = None
        self._launcher_lock: int | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included: not for a log."""

    @abstractmethod
    async def _spawn(self, account: Account | None, server_lock: int) -> process.Child:
        """Prepare the data if need be and start the server, which inherits `server_lock` and whose pid stands there."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether the server takes a client now."""

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} is not started"
        return self._child.pid

    @property
    def password(self) -> str:
        return (self.directory / "password").read_text()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start, and return when it takes clients. Raises StartError, and has then left nothing running."""
        try:
            account = self._prepare_directory()
            self._launcher_lock = lock.hold_launcher_lock(self.directory, account)
            await self._launch(account)
            await self._until_ready()
            (self.directory / PORT_FILE).write_text(str(self.port))
        except OSError as error:
            await self.stop()
            raise StartError(f"{self.name} cannot use {self.directory}: {error}") from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it cleanly, and for certain; nothing happens if it does not run."""
        if self._child is not None:
            await process.stop(self._child.process, *self.stop_steps)
            self._child.dismiss()
            self._child = None
        if self._launcher_lock is not None:
            os.close(self._launcher_lock)
            self._launcher_lock = None

    async def ended(self) -> str:
        """Wait until the running server has ended by itself; a line that says so."""
        assert self._child is not None, f"{self.name} is not started"
        await process.ended(self._child.process, poll_seconds=WATCH_SECONDS)
        return f"{self.name} ended by itself (exit code {self._child.process.returncode}; see {self.log})"

    def _prepare_directory(self) -> Account | None:
        account = account_for(self.directory)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        own(self.directory, account)
        password = self.directory / "password"
        if not password.exists():
            if (self.directory / "data").exists():
                raise StartError(f"{password}, the password of the data beside it, is gone: bring it back")
            write_private(password, secrets.token_urlsafe(24), account)
        return account

    async def _launch(self, account: Account | None) -> None:
        ways_to_end = [self.signal_when_orphaned, *(number for number, _ in self.stop_steps[1:])]
        server_lock = await lock.hold_server_lock(self.directory, account, ways_to_end)
        try:
            self._child = await self._spawn(account, server_lock)
        finally:
            # Only the server keeps it: so it is free when the server is gone, not when we are.
            os.close(server_lock)

    async def _until_ready(self) -> None:
        assert self._child is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    if self._child.process.poll() is not None:
                        raise process.failure(self.name, self.log)
                    await asyncio.sleep(process.POLL_SECONDS)
        except TimeoutError:
            raise StartError(f"{self.name} took no client within {START_SECONDS:.0f} s (see {self.log})") from None
