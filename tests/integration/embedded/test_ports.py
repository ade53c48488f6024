"""No two servers are given the same port, long before either listens on it."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_whoever_takes_the_name_of_the_file_of_ports_keeps_nobody_from_a_port(tmp_path: Path) -> None:
    (tmp_path / f"parley-ports-{os.getuid()}-0").symlink_to("/dev/null")
    script = "from services.embedded.ports import claim; print(claim(20_000), claim(20_000))"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "False"]
