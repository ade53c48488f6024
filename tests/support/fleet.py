"""Parley as in production, on loopback: each service a process with ports, a log and an environment of its own."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from services.embedded.ports import free_port
from shared.auth import mint
from tests.support.doomed import VARIABLE as DOOMED_AT

ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0
STOP_SECONDS = 40.0


class ProcessFailed(AssertionError):
    """A process ended, or did not become ready; the text has the end of its log."""


@dataclass
class ServiceProcess:
    """One `python -m services NAME`. It is killed, held, continued and started again by its own process id."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log_path: Path
    source: Path = ROOT
    interpreter: list[str] = field(default_factory=lambda: [sys.executable])
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def port(self) -> int:
        return int(self.environment["PORT"])

    @property
    def internal_port(self) -> int:
        return int(self.environment["INTERNAL_PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    @property
    def program(self) -> str:
        return "tests.support.doomed" if DOOMED_AT in self.environment else "services"

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def spawn(self) -> None:
        """Starts it without waiting; `ready` waits."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.interpreter, "-m", self.program, *self.arguments],
                cwd=self.source,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    async def ready(self, seconds: float = START_SECONDS) -> None:
        """Returns when its internal port says ready. Raises ProcessFailed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
                while self.runs:
                    if await _answers(session, f"{self.internal_url}/ready"):
                        return
                    await asyncio.sleep(0.05)
        raise ProcessFailed(f"{self.name} is not ready\n{self.log()[-3000:]}")

    async def start(self) -> None:
        self.spawn()
        await self.ready()

    def signal(self, number: signal.Signals) -> None:
        if self.runs:
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """As the kernel's out-of-memory killer would."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM; gives the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def ended(self, seconds: float = STOP_SECONDS) -> int:
        """Waits for its end; gives the exit code. Raises ProcessFailed where it does not end."""
        assert self.process is not None
        try:
            async with asyncio.timeout(seconds):
                while self.process.poll() is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise ProcessFailed(f"{self.name} did not end in {seconds} s\n{self.log()[-3000:]}") from None
        return self.process.returncode


@dataclass
class Fleet:
    """Everything that was started, by name. `token` mints for its users; no request leaves loopback.

    `source` is the folder whose code runs.
    """

    directory: Path
    base: dict[str, str]
    secret: str
    source: Path = ROOT
    processes: dict[str, ServiceProcess] = field(default_factory=dict)

    def add(self, kind: str, name: str | None = None, **settings: str) -> ServiceProcess:
        """Describes one more process of a service; start it when wanted."""
        name = name or f"{kind}-{len(self.processes) + 1}"
        ports = {"PORT": str(free_port()), "INTERNAL_PORT": str(free_port())}
        environment = {**_clean_environment(), **self.base, **ports, **settings}
        process = ServiceProcess(name, [kind], environment, self.directory / f"{name}.log", self.source)
        self.processes[name] = process
        return process

    def token(self, user_id: str, handle: str | None = None, ttl: int = 3600, **claims: Any) -> str:
        return mint(self.secret, user_id, handle, ttl, **claims)

    async def stop(self) -> None:
        """Ends all, politely at first; whoever was held is continued before."""
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.processes.values():
            if process.process is not None:
                try:
                    await process.ended(STOP_SECONDS)
                except ProcessFailed:
                    await process.kill()


@contextlib.asynccontextmanager
async def fleet(
    directory: Path,
    database_url: str,
    redis_url: str,
    *,
    gateways: int = 1,
    persistences: int = 1,
    pushers: int = 0,
    **settings: str,
) -> AsyncIterator[Fleet]:
    """So many of each, ready. Gateways and pushers ask the persistence processes in turn."""
    started = _described(directory, database_url, redis_url, settings, ROOT)
    async with _running(started, gateways, persistences, pushers):
        yield started


@contextlib.asynccontextmanager
async def fleet_from(
    source: Path, directory: Path, database_url: str, redis_url: str, settings: dict[str, str]
) -> AsyncIterator[Fleet]:
    """A gateway and a persistence process of the code in this folder."""
    started = _described(directory, database_url, redis_url, settings, source)
    async with _running(started, gateways=1, persistences=1, pushers=0):
        yield started


def _described(directory: Path, database_url: str, redis_url: str, settings: dict[str, str], source: Path) -> Fleet:
    secret = secrets.token_hex(32)
    base = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": secret,
        "SERVICE_TOKEN": secrets.token_hex(16),
        "DRAIN_SECONDS": "0",
        **settings,
    }
    return Fleet(directory, base, secret, source)


@contextlib.asynccontextmanager
async def _running(started: Fleet, gateways: int, persistences: int, pushers: int) -> AsyncIterator[None]:
    try:
        stores = [started.add("persistence", f"persistence-{number}") for number in range(1, persistences + 1)]
        _after(started, stores, "gateway", gateways)
        _after(started, stores, "pusher", pushers)
        for process in started.processes.values():
            process.spawn()
        for process in started.processes.values():
            await process.ready()
        yield
    finally:
        await started.stop()


def _after(started: Fleet, stores: list[ServiceProcess], kind: str, count: int) -> None:
    for number in range(count):
        store = stores[number % len(stores)]
        started.add(kind, f"{kind}-{number + 1}", PERSISTENCE_URL=store.internal_url)


def _clean_environment() -> Mapping[str, str]:
    """What a process needs to run, and none of the tester's own settings."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PG_BIN_DIR", "REDIS_SERVER_BIN", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=1)) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
