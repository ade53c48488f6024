"""An HTTP listener as a context: it serves inside, and has let go of every socket outside."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from errno import EADDRINUSE
from time import monotonic

from aiohttp import web

from shared.http.crowd import Bounds, Crowd
from shared.http.protocol import HttpConnection
from shared.http.repeats import Repeats
from shared.settings import SettingError, Settings

BACKLOG = 4096
"""Connections that wait to be accepted; a storm after an outage brings thousands at once. The
kernel takes no more than its `net.core.somaxconn`, and lets the others try again a second later."""

RESERVE = 256
"""Descriptors that no client gets: Postgres, Redis, the other services and the log need theirs."""
SWEEP_SECONDS = 1.0
UNRESERVED = Bounds()
"""For listeners that strangers do not reach."""


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    grace_seconds: float = 2.0,
    bounds: Bounds = UNRESERVED,
    setting: str = "PORT to another",
) -> AsyncIterator[int]:
    """Serves `app`; yields the port (the one that was found, where 0 was asked for).

    On leaving it stops accepting, gives requests in flight `grace_seconds` to end, and closes the rest.
    Raises SettingError where the address cannot be listened on; it says which `setting` to change, and how.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=grace_seconds)
    await runner.setup()
    crowd, repeats = Crowd(bounds), Repeats(monotonic)
    loop = asyncio.get_running_loop()
    try:
        server = await _bind(lambda: HttpConnection(runner.server, crowd, repeats, loop), host, port, setting)
        sweeping = asyncio.create_task(_sweep(crowd, repeats), name="http-connections")
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
    finally:
        await runner.cleanup()


async def _sweep(crowd: Crowd, repeats: Repeats) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        crowd.end_the_late(asyncio.get_running_loop().time())
        repeats.flush()


async def _bind(factory: Callable[[], HttpConnection], host: str, port: int, setting: str) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(factory, host, port, backlog=BACKLOG, reuse_address=True)
    except OSError as error:
        way = f": another process has the port, set {setting}" if error.errno == EADDRINUSE else ""
        reason = os.strerror(error.errno) if error.errno else error
        raise SettingError(f"cannot listen on {host}:{port}: {reason}{way}") from None


def raise_descriptors() -> None:
    """Takes as many descriptors as this process may have: a shell gives 1,024, and each client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def public_bounds(settings: Settings) -> Bounds:
    """What the settings allow, or what this process' descriptors leave of that."""
    total, per_address = settings.max_http_connections, settings.max_address_connections
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most == resource.RLIM_INFINITY:
        return Bounds(total, per_address, proxies=settings.trusted_proxies)
    clients = max(most // 2, most - RESERVE)
    total = min(total, clients)
    return Bounds(total, min(per_address, max(1, total // 2)), clients, settings.trusted_proxies)
