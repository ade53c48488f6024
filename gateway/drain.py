"""Empties a gateway before it stops, so gently that a rollout is no stampede."""

import asyncio
import random

import structlog

from gateway.state.session import Session
from gateway.websocket.codes import CloseCode
from shared import frames

log = structlog.get_logger()

STEP_SECONDS = 0.1
AT_ONCE = 500
HINTED_PART = 0.8
"""Of the drain: when the last client is asked to leave. Each has the rest of the time until it is made to."""
FAREWELL_SECONDS = 3.0
"""For closing handshakes; a client that stopped reading does not get more."""


async def drain(sessions: list[Session], empty: asyncio.Event, seconds: float) -> None:
    """Hints to all at once when each should go (spread over `seconds`), closes (1012) those that have not, and drops
    those that do not answer the close. `empty` is set while none is left. 0 seconds: all at once."""
    order = sessions.copy()
    random.shuffle(order)
    log.info("draining", sessions=len(order), seconds=seconds)
    begun = asyncio.get_running_loop().time()
    for place, session in enumerate(order):
        session.send(frames.reconnect(after_ms=round(1000 * _leave_at(place, len(order), seconds))))
        if place % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
    closed = 0
    while closed < len(order) and not empty.is_set():
        due = _due(len(order), asyncio.get_running_loop().time() - begun, seconds)
        for session in order[closed:due]:
            session.connection.close(CloseCode.RESTARTING, "draining")
        closed = due
        await _wait(empty, STEP_SECONDS if closed < len(order) else FAREWELL_SECONDS)
    for session in order:
        session.connection.abort()
    await _wait(empty, FAREWELL_SECONDS)


def _leave_at(place: int, count: int, seconds: float) -> float:
    return seconds * HINTED_PART * place / count


def _due(count: int, elapsed: float, seconds: float) -> int:
    """How many should be closed by now: each some time after its hint."""
    span = seconds * HINTED_PART
    if span <= 0:
        return count
    overdue = elapsed - (seconds - span)
    return min(count, int(count * overdue / span) + 1) if overdue >= 0 else 0


async def _wait(empty: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await empty.wait()
    except TimeoutError:
        return
