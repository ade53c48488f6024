"""Waiting for a condition instead of for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable

PATIENCE = 3.0
"""A deadline only ends a test that fails, so a busy machine gets three times what a quiet one needs."""


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail the test if it does not within `seconds` on a quiet machine."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not await _holds(condition):
        assert time.monotonic() < deadline, f"still not so after {seconds * PATIENCE:.0f} s: {condition}"
        await asyncio.sleep(0.01)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if isawaitable(answer) else answer
