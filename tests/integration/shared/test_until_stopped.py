"""A process of its own for each test: what is promised is its exit code, and what it wrote."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

WAIT_SECONDS = 20


@contextmanager
def process(body: str, *, stop_within: float = 10) -> Iterator[subprocess.Popen[str]]:
    """Runs `body` as the process' context manager; it prints a line where a test waits for it."""
    source = (
        "import asyncio, sys, time\n"
        "from contextlib import asynccontextmanager\n"
        "import uvloop\n"
        "from shared.lifecycle import Tasks, until_stopped\n"
        "from shared.log import configure_logging\n"
        "def say(text): print(text, flush=True)\n"
        "@asynccontextmanager\n"
        "async def process(stop):\n"
        + textwrap.indent(textwrap.dedent(body), "    ")
        + "\nconfigure_logging('info', 'json', 'test')"
        + f"\nsys.exit(uvloop.run(until_stopped(process, stop_within_seconds={stop_within})))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def end(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = child.communicate(timeout=WAIT_SECONDS)
    return child.returncode, out, err


SERVES = """
    try:
        say("serving")
        yield
    finally:
        await asyncio.sleep(0.01)
        say("closed")
"""


def test_sigterm_and_sigint_leave_the_process_cleanly_with_exit_code_0() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with process(SERVES) as child:
            assert first_line(child) == "serving"
            child.send_signal(number)
            code, out, err = end(child)
        assert (code, out.strip()) == (0, "closed")
        assert "Traceback" not in err


def test_sigterm_while_it_still_starts_unwinds_what_is_open_with_exit_code_0() -> None:
    body = """
        try:
            say("opening")
            await asyncio.sleep(60)
            yield
        finally:
            say("closed")
    """
    with process(body) as child:
        assert first_line(child) == "opening"
        child.send_signal(signal.SIGTERM)
        code, out, err = end(child)
    assert (code, out.strip()) == (0, "closed")
    assert "Traceback" not in err


def test_a_forever_task_that_fails_ends_the_process_with_exit_code_1_after_closing_the_rest() -> None:
    body = """
        async def relay():
            raise ConnectionError("the database is gone")
        async with Tasks("test", stop) as tasks:
            tasks.spawn(relay(), name="relay")
            yield
        say("closed")
    """
    with process(body) as child:
        code, out, err = end(child)
    assert (code, out.strip()) == (1, "closed")
    assert "process failed" in err
    assert "relay" in err


def test_a_second_signal_ends_a_process_whose_loop_is_stuck() -> None:
    body = """
        try:
            say("serving")
            yield
        finally:
            say("stuck")
            time.sleep(60)
    """
    with process(body, stop_within=60) as child:
        assert first_line(child) == "serving"
        child.send_signal(signal.SIGTERM)
        assert first_line(child) == "stuck"
        child.send_signal(signal.SIGTERM)
        code, _, _ = end(child)
    assert code == -signal.SIGTERM


def test_a_stop_that_takes_too_long_is_cut_off_and_says_what_it_waited_for() -> None:
    body = """
        say("serving")
        yield
        time.sleep(60)
    """
    with process(body, stop_within=0.2) as child:
        assert first_line(child) == "serving"
        child.send_signal(signal.SIGTERM)
        code, _, err = end(child)
    assert code == 1
    assert "did not stop in time" in err
    assert '"serve"' in err


def test_what_the_start_raises_comes_out() -> None:
    body = """
        raise SystemError("no such database")
        yield
    """
    with process(body) as child:
        code, _, err = end(child)
    assert code == 1
    assert "no such database" in err
