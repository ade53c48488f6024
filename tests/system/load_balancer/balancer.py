"""The load balancers of deploy/, run for real: their own configurations, on loopback's addresses."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from services.embedded.ports import free_port
from tests.integration.deploy.files import documents
from tests.support.fleet import ROOT, ServiceProcess
from tests.support.tools import require_tool

HAPROXY = ROOT / "deploy/haproxy/haproxy.cfg"
NGINX = ROOT / "deploy/nginx/nginx.conf"
COMPOSE = ROOT / "deploy/compose.yaml"


@dataclass(frozen=True)
class LoadBalancer:
    """A running one. `log` is all that it wrote, access and errors."""

    url: str
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


Starter = Callable[[Path, int, Sequence[ServiceProcess], Sequence[ServiceProcess]], list[str]]
"""Writes its configuration into a directory, to listen on a port before these gateways and persistence processes; the
command that runs it."""


@contextlib.asynccontextmanager
async def running(
    start: Starter, directory: Path, gateways: Sequence[ServiceProcess], persistences: Sequence[ServiceProcess]
) -> AsyncIterator[LoadBalancer]:
    directory.mkdir()
    port = free_port()
    command = start(directory, port, gateways, persistences)
    log_path = directory / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    balancer = LoadBalancer(f"http://127.0.0.1:{port}", log_path)
    try:
        await _accepts(balancer, process)
        yield balancer
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def probe(front: LoadBalancer) -> bool:
    """What the health check of compose.yaml says of it."""
    [described] = documents(COMPOSE)
    program, *arguments = described["services"]["load-balancer"]["healthcheck"]["test"][1:]
    port = front.url.rsplit(":", 1)[1]
    command = [argument.replace("$$", "$").replace("/8080", f"/{port}") for argument in arguments]
    asked = await asyncio.create_subprocess_exec(program, *command)
    return await asked.wait() == 0


def haproxy(
    directory: Path, port: int, gateways: Sequence[ServiceProcess], persistences: Sequence[ServiceProcess]
) -> list[str]:
    text = HAPROXY.read_text()
    text = _replaced(text, r"bind :8080", f"bind 127.0.0.1:{port}")
    text = _replaced(text, r"bind :8405", f"bind 127.0.0.1:{free_port()}")
    # Nobody asks for files here.
    for name, servers in (("gateway", gateways), ("media", persistences), ("persistence", persistences)):
        lines = [
            f"    server {name}{number} 127.0.0.1:{server.port} check port {server.internal_port}"
            for number, server in enumerate(servers, 1)
        ]
        text = _replaced(text, rf"    server-template {name} .*", "\n".join(lines))
    configuration = directory / "haproxy.cfg"
    configuration.write_text(text)
    return [require_tool("haproxy"), "-db", "-f", str(configuration)]


def nginx(
    directory: Path, port: int, gateways: Sequence[ServiceProcess], persistences: Sequence[ServiceProcess]
) -> list[str]:
    text = _replaced(NGINX.read_text(), r"listen 8080", f"listen 127.0.0.1:{port}")
    # Its workers would be of another user, to whom a test's folder is closed.
    text = (
        "user root;\n" + text.replace("/tmp/", f"{directory}/")
        if _is_root()
        else text.replace("/tmp/", f"{directory}/")
    )
    (directory / "nginx.conf").write_text(text)
    (directory / "upstreams.conf").write_text(_upstreams(gateways, persistences))
    return [require_tool("nginx"), "-p", str(directory), "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]


def _upstreams(gateways: Sequence[ServiceProcess], persistences: Sequence[ServiceProcess]) -> str:
    """Our own file with other servers, each with the parameters that its upstream's servers have there."""
    text = (ROOT / "deploy/nginx/upstreams.conf").read_text()
    for name, servers in (("gateway", gateways), ("media", persistences), ("persistence", persistences)):
        found = re.search(rf"upstream {name} \{{[^}}]*?((?:    server \S+( .*);\n)+)", text)
        assert found is not None, f"no servers of {name} in the configuration"
        lines = "".join(f"    server 127.0.0.1:{server.port}{found[2]};\n" for server in servers)
        text = text.replace(found[1], lines)
    return text


def _replaced(text: str, pattern: str, replacement: str) -> str:
    changed, count = re.subn(pattern, replacement, text)
    assert count == 1, f"{pattern} is {count} times in the configuration"
    return changed


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


async def _accepts(balancer: LoadBalancer, process: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, balancer.log()
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{balancer.url}/health") as response:
                    await response.read()
                    return
            await asyncio.sleep(0.05)
