"""An HTTP listener as a context: it serves inside, and has let go of every socket outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from shared.settings import SettingError

BACKLOG = 4096
"""Connections that wait to be accepted; a storm after an outage brings thousands at once. The
kernel takes no more than its `net.core.somaxconn`, and lets the others try again a second later."""


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, *, grace_seconds: float = 2.0) -> AsyncIterator[int]:
    """Serves `app`; yields the port (the one that was found, where 0 was asked for).

    On leaving it stops accepting, gives requests in flight `grace_seconds` to end, and closes the rest.
    Raises SettingError where the address cannot be listened on.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=grace_seconds,
        tcp_keepalive=False,  # sockets have their heartbeat, idle HTTP connections aiohttp's time limit
    )
    await runner.setup()
    try:
        yield await _bind(runner, host, port)
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host, port, backlog=BACKLOG, reuse_address=True)
    try:
        await site.start()
    except OSError as error:
        raise SettingError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    address = runner.addresses[0]
    return int(address[1])
