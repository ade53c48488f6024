"""The command line as its caller meets it: a mistake is one line that names what is wrong, and exit code 2."""

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
