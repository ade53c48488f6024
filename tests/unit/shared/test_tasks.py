import asyncio

import pytest
from prometheus_client import REGISTRY

from shared.lifecycle import Stop, Tasks


def errors(kind: str) -> float:
    return REGISTRY.get_sample_value("parley_errors_total", {"service": "test", "kind": kind}) or 0.0


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_forever_task_that_fails_asks_the_process_to_stop_and_names_the_cause() -> None:
    async def fails() -> None:
        raise ValueError("the link is gone")

    stop, before = Stop(), errors("link")
    async with Tasks("test", stop) as tasks:
        tasks.spawn(fails(), name="link")
        await stop.asked()
    assert stop.failure is not None
    assert "link" in str(stop.failure)
    assert isinstance(stop.failure.__cause__, ValueError)
    assert errors("link") == before + 1


async def test_a_forever_task_that_merely_returns_is_a_failure_too() -> None:
    stop = Stop()
    async with Tasks("test", stop) as tasks:
        tasks.spawn(asyncio.sleep(0), name="relay")
        await stop.asked()
    assert stop.failure is not None
    assert stop.failure.__cause__ is None


async def test_the_first_failure_is_the_one_that_is_told() -> None:
    async def fails(text: str) -> None:
        raise ValueError(text)

    stop = Stop()
    async with Tasks("test", stop) as tasks:
        tasks.spawn(fails("first"), name="first")
        tasks.spawn(fails("second"), name="second")
        await stop.asked()
        await asyncio.sleep(0)
    assert stop.failure is not None
    assert str(stop.failure.__cause__) == "first"


async def test_leaving_cancels_and_awaits_every_task_and_that_is_no_failure() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    stop = Stop()
    async with Tasks("test", stop) as tasks:
        tasks.spawn(work("forever"), name="forever")
        once = tasks.call(work("once"), name="once")
        await asyncio.sleep(0)
    assert sorted(ended) == ["forever", "once"]
    assert once.cancelled()
    assert not stop.is_asked


async def test_leaving_does_not_wait_for_a_task_that_ignores_cancellation_beyond_its_deadline() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with asyncio.timeout(5):
        async with Tasks("test", Stop(), stop_seconds=0.05) as tasks:
            task = tasks.call(stubborn(), name="stubborn")
            await asyncio.sleep(0)
    assert not task.done()
    release.set()
    await task


async def test_a_task_with_an_end_gives_its_result_or_its_error_to_whoever_awaits_it() -> None:
    async def fails() -> None:
        raise ValueError("no")

    stop, before = Stop(), errors("once")
    async with Tasks("test", stop) as tasks:
        assert await tasks.call(asyncio.sleep(0, 42), name="once") == 42
        with pytest.raises(ValueError, match="no"):
            await tasks.call(fails(), name="once")
    assert errors("once") == before + 1
    assert not stop.is_asked


async def test_no_task_can_be_started_once_its_owner_stops() -> None:
    async with Tasks("test", Stop()) as tasks:
        pass
    with pytest.raises(RuntimeError, match="late"):
        tasks.spawn(forever(), name="late")


async def test_periodic_work_goes_on_after_a_failure_which_is_counted() -> None:
    turns = 0
    enough = asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 4:
            enough.set()
        if turns < 3:
            raise OSError("away")

    stop, before = Stop(), errors("sweep")
    async with Tasks("test", stop) as tasks:
        tasks.periodically(0.001, work, name="sweep")
        async with asyncio.timeout(5):
            await enough.wait()
    assert errors("sweep") == before + 2
    assert not stop.is_asked


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    lost = 0

    async def lose_one() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost == 2:
                    raise

    async with Tasks("test", Stop()) as tasks:
        tasks.spawn(lose_one(), name="loses one")
        await asyncio.sleep(0)
    assert lost == 2
