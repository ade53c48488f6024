"""No two servers are given the same port, long before either listens on it."""

import subprocess
import sys

from services.embedded.ports import claim, free_port


def test_a_process_is_given_each_port_once() -> None:
    given = [free_port() for _ in range(500)]

    assert len(set(given)) == len(given)


def test_another_process_is_not_given_what_this_one_was_until_it_ends() -> None:
    script = "from services.embedded.ports import free_port; print(free_port(), flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    port = int(other.stdout.readline())
    refused = claim(port)
    other.communicate("\n")

    assert not refused
    assert claim(port)
