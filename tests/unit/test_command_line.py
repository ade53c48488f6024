"""The command line as its caller meets it: a mistake is one line that names what is wrong, and exit code 2."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli import main
from shared.settings import VARIABLES

USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    ("arguments", "settings", "names"),
    [
        (["up", "--port", "99999"], {}, "--port"),
        (["up"], {"PORT": "65000"}, "INTERNAL_PORT"),
        (["up"], {"ACK_TIMEOUT": "soon"}, "ACK_TIMEOUT"),
        (["gateway"], {}, "REDIS_URL"),
        (["persistence"], {}, "DATABASE_URL"),
        (["pusher"], {}, "REDIS_URL"),
        (["migrate"], {}, "DATABASE_URL"),
        (["token", "ada"], {}, "USER_ID"),
        (["token", USER], {"JWT_SECRET": "short"}, "JWT_SECRET"),
        (["token", USER], {}, "JWT_SECRET"),
        (["gateway"], {"FAIL_AT": "committed, not published"}, "FAIL_AT"),
        (["persistence"], {"SERVICE_TOKEN": "a"}, "SERVICE_TOKEN"),
        (["up"], {"DATA_DIR": __file__}, "DATA_DIR"),
        (["plan", "--users", "-5"], {}, "--users"),
        (["plan", "--users", "5", "--online", "2"], {}, "--online"),
        (["plan", "--users", "5", "--messages-per-day", "nan"], {}, "--messages-per-day"),
    ],
)
def test_a_mistake_is_told_in_one_line_that_names_it(
    arguments: list[str],
    settings: dict[str, str],
    names: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"DATA_DIR": str(tmp_path), **settings}.items():
        monkeypatch.setenv(name, value)

    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("parley: ")
    assert names in line


def test_a_missing_package_is_told_in_one_line_that_names_it() -> None:
    script = "import runpy, sys; sys.modules['uvloop'] = None; runpy.run_module('services', run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", script, "plan"], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    [line] = told.stderr.splitlines()
    assert line.startswith("parley: the package uvloop")


def test_a_reader_that_goes_away_ends_a_command_in_silence() -> None:
    command = [sys.executable, "-m", "services", "plan", "--users", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        writing.stdout.close()
        assert writing.stderr.read() == b""
    assert writing.returncode == 128 + signal.SIGPIPE
