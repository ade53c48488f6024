"""A real Prometheus with the configuration of deploy/, its targets on loopback."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from services.embedded.ports import free_port
from tests.support.fleet import ROOT
from tests.support.tools import require_tool

CONFIGURATION = ROOT / "deploy/prometheus"


@dataclass(frozen=True)
class Prometheus:
    url: str
    http: aiohttp.ClientSession

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that it answers with. Fails the test where the query is refused."""
        async with self.http.get(f"{self.url}/api/v1/query", params={"query": query}) as response:
            answer = await response.json()
            assert answer["status"] == "success", f"{query}: {answer}"
            return list(answer["data"]["result"])

    async def names(self) -> set[str]:
        """Every metric that it has."""
        async with self.http.get(f"{self.url}/api/v1/label/__name__/values") as response:
            return set((await response.json())["data"])


@contextlib.asynccontextmanager
async def prometheus(directory: Path, targets: Mapping[str, Sequence[str]]) -> AsyncIterator[Prometheus]:
    """Scraping, by job, these addresses every second."""
    program, port = require_tool("prometheus"), free_port()
    shutil.copytree(CONFIGURATION, directory)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(_on_loopback(targets)))
    log_path = directory / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as http:
            started = Prometheus(f"http://127.0.0.1:{port}", http)
            await _ready(started, process, log_path)
            yield started
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


def _on_loopback(targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    configuration: dict[str, Any] = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    configuration["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    for scrape in configuration["scrape_configs"]:
        scrape.pop("dns_sd_configs", None)
        scrape["static_configs"] = [{"targets": list(targets.get(scrape["job_name"], ()))}]
    return configuration


async def _ready(started: Prometheus, process: "subprocess.Popen[bytes]", log_path: Path) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.poll() is None, log_path.read_text()
            with contextlib.suppress(aiohttp.ClientError):
                async with started.http.get(f"{started.url}/-/ready") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)
