"""The fleet as compose and Kubernetes confine it: a user without rights, and nothing that can be written."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml

from shared.ids import new_id
from tests.integration.deploy.files import run
from tests.support.confined import USER, confined
from tests.support.fleet import ROOT, Fleet, ServiceProcess
from tests.support.person import Person
from tests.support.waiting import eventually

DOCKERFILE = ROOT / "deploy/Dockerfile"


def healthcheck() -> list[str]:
    """The image's, without the name of the interpreter."""
    [line] = [
        line for line in DOCKERFILE.read_text().splitlines() if line.strip().startswith("CMD") and "urlopen" in line
    ]
    program, *arguments = yaml.safe_load(line.strip().removeprefix("CMD "))
    assert program == "python"
    return [str(argument) for argument in arguments]


async def is_healthy(process: ServiceProcess) -> bool:
    asked = await asyncio.create_subprocess_exec(sys.executable, *healthcheck(), env=process.environment)
    return await asked.wait() == 0


@pytest.mark.parametrize("path", ["/tmp/x", "/app/services/x", "/x", "/etc/x"])
def test_a_confined_process_can_write_nowhere(path: str, tmp_path: Path) -> None:
    written = run(*confined(tmp_path), "-c", f"open({path!r}, 'w')")

    assert "Read-only file system" in written.stderr


async def test_every_service_works_without_rights_and_on_a_file_system_that_cannot_be_written(
    database_url: str, redis_url: str, logs: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    secret = "a-secret-of-at-least-thirty-two-bytes"
    base = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_SECRET": secret, "SERVICE_TOKEN": "t" * 32}
    running = Fleet(logs, {**base, "DRAIN_SECONDS": "0", "EXPO_PUSH_URL": "http://127.0.0.1:1"}, secret)
    store = running.add("persistence")
    gateway, pusher = (running.add(kind, PERSISTENCE_URL=store.internal_url) for kind in ("gateway", "pusher"))
    (tmp_path / "root").mkdir()
    for process in running.processes.values():
        process.interpreter = confined(tmp_path / "root")
    try:
        for process in running.processes.values():
            await process.start()
            assert await is_healthy(process)
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert f"Uid:\t{USER}\t{USER}" in status
            assert "CapEff:\t0000000000000000" in status
        ada, bob = (
            Person(http, store.url, running.token(user), socket=gateway.url, user_id=user)
            for user in (new_id(), new_id())
        )
        async with bob.phone() as phone:
            await ada.send(await ada.converse(bob), "Hello Bob")
            await phone.frame("message.new", text="Hello Bob")

        gateway.signal(signal.SIGUSR1)  # docs/runbook.md: where is it stuck?
        await eventually(lambda: "most recent call first" in gateway.log())
        assert await is_healthy(gateway)
        assert [await process.stop() for process in (gateway, pusher, store)] == [0, 0, 0]
        assert not await is_healthy(gateway)
    finally:
        await running.stop()
    assert not any("Read-only file system" in process.log() for process in running.processes.values())
