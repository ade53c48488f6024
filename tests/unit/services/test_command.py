import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from services import cli
from services.commands.up import _banner
from services.listening import listening
from shared.settings import SettingError, Settings
from shared.version import VERSION

ROOT = Path(__file__).parents[3]


def test_the_command_tells_the_one_version_that_the_package_has(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"parley {VERSION}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "shared.version.VERSION"}


def test_who_reads_along_is_told_where_everything_is_and_how_to_stop(tmp_path: Path) -> None:
    settings = replace(Settings(), data_dir=str(tmp_path))
    lines = _banner("http://127.0.0.1:3001", settings, with_demo=True).splitlines()
    assert [line.split()[0] for line in lines] == ["app", "docs", "users", "data", "stop"]
    assert "http://127.0.0.1:3001/docs" in lines[1]
    assert str(tmp_path) in lines[3]


async def test_a_port_that_is_taken_is_named_with_the_setting_to_change() -> None:
    async with listening(web.Application(), "127.0.0.1", 0) as port:
        with pytest.raises(SettingError, match=f"127.0.0.1:{port}: Address already in use.*set PORT to another"):
            async with listening(web.Application(), "127.0.0.1", port):
                await asyncio.sleep(0)
