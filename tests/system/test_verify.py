"""`python -m services verify`: the laboratory's checker for a deployment that somebody already has."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.support.fleet import ROOT, Fleet, fleet
from tests.support.person import Person


async def verify(running: Fleet, *arguments: str, **settings: str) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    store, gateway = running.processes["persistence-1"], running.processes["gateway-1"]
    command = [sys.executable, "-m", "services", "verify", "--url", store.url, "--socket-url", gateway.url]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--messages", "60", "--seconds", "3", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_sound_deployment_passes_and_nothing_is_left_behind(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        ada = Person(
            http, running.processes["persistence-1"].url, running.token("a" * 8 + "-0000-4000-8000-" + "a" * 12)
        )
        code, said = await verify(
            running,
            "--internal-url",
            running.processes["persistence-1"].internal_url,
            JWT_SECRET=running.secret,
            SERVICE_TOKEN=running.base["SERVICE_TOKEN"],
        )
        assert code == 0, said
        assert "nothing lost, nothing twice, one order for all" in said
        assert "conversations purged" in said
        assert (await ada.call("GET", "/api/conversations"))[1]["conversations"] == []


async def test_supplied_tokens_are_enough(database_url: str, redis_url: str, logs: Path) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        tokens = logs / "tokens.txt"
        ids = [f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "abc"]
        tokens.write_text("\n".join(running.token(one, f"user{one[0]}") for one in ids))

        code, said = await verify(running, "--tokens", str(tokens))

        assert code == 0, said
        assert "left behind" in said


async def test_what_cannot_be_verified_is_one_line_that_says_why(
    database_url: str, redis_url: str, logs: Path, tmp_path: Path
) -> None:
    nobody, wrong = str(tmp_path / "nobody"), {"JWT_SECRET": "x" * 40}
    async with fleet(logs, database_url, redis_url) as running:
        internal = running.processes["persistence-1"].internal_url
        cases: list[tuple[list[str], dict[str, str], str]] = [
            ([], wrong, "answered 401"),
            (["--data", nobody], {}, "set JWT_SECRET, or give --data"),
            (["--tokens", nobody], {}, "No such file"),
            (["--url", "chat.example"], wrong, "--url must be http://HOST"),
            (["--url", "http://127.0.0.1:9"], wrong, "Cannot connect"),
            (["--url", internal], wrong, "answered 404"),
        ]
        for arguments, settings, reason in cases:
            code, said = await verify(running, *arguments, **settings)
            assert (code, said[:8], len(said.strip().splitlines())) == (2, "parley: ", 1), said
            assert reason in said
    assert not (tmp_path / "nobody").exists()


async def test_a_purge_that_is_refused_is_told(database_url: str, redis_url: str, logs: Path) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        internal = running.processes["persistence-1"].internal_url

        code, said = await verify(
            running, "--internal-url", internal, JWT_SECRET=running.secret, SERVICE_TOKEN="not the right one, no"
        )

    assert code == 0, said
    assert f"left behind: 8 ({internal}/internal/purge answered 401)" in said
