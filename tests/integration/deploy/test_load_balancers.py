"""The configurations of nginx and HAProxy, judged by themselves; tests/system/load_balancer runs them."""

import subprocess
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.deploy.files import DEPLOY, Mutation, accepts, refuses, run, with_mistake
from tests.support.tools import require_tool

HAPROXY = DEPLOY / "haproxy/haproxy.cfg"
REDIS = DEPLOY / "haproxy/redis.cfg"
NGINX = DEPLOY / "nginx/nginx.conf"
UPSTREAMS = DEPLOY / "nginx/upstreams.conf"


def check_haproxy(path: Path) -> "subprocess.CompletedProcess[str]":
    return run(require_tool("haproxy"), "-c", "-f", path)


def check_nginx(directory: Path) -> "subprocess.CompletedProcess[str]":
    """With the scratch files of a test's own: the configured ones may belong to a running nginx."""
    configuration = directory / "nginx.conf"
    configuration.write_text(configuration.read_text().replace("/tmp/", f"{directory}/"))
    if not (directory / UPSTREAMS.name).exists():
        (directory / UPSTREAMS.name).write_text(UPSTREAMS.read_text())
    return run(require_tool("nginx"), "-t", "-p", directory, "-c", configuration)


def nginx_with(mutation: Mutation, directory: Path) -> "subprocess.CompletedProcess[str]":
    with_mistake(NGINX, directory / "nginx.conf", mutation)
    return check_nginx(directory)


@pytest.mark.parametrize("configuration", [HAPROXY, REDIS], ids=lambda path: path.stem)
def test_haproxy_accepts_its_configuration_without_a_warning(configuration: Path) -> None:
    result = check_haproxy(configuration)

    accepts(result)
    assert "WARNING" not in result.stdout + result.stderr


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    accepts(nginx_with(("worker_processes auto;", "worker_processes 1;"), tmp_path))


@pytest.mark.parametrize(
    "mutation",
    [
        ("balance leastconn", "balance leastcon"),
        ("timeout tunnel 5m", "timeout tunnels 5m"),
        ("default_backend persistence", "default_backend persistance"),
        ("%ST", "%QZ"),
    ],
)
def test_haproxy_notices_a_mistake(mutation: Mutation, tmp_path: Path) -> None:
    refuses(check_haproxy(with_mistake(HAPROXY, tmp_path / "haproxy.cfg", mutation)))


@pytest.mark.parametrize(
    "mutation", [("tcp-check expect string", "tcp-check expects string"), ("shutdown-sessions", "shut-sessions")]
)
def test_haproxy_notices_a_mistake_in_what_follows_the_primary(mutation: Mutation, tmp_path: Path) -> None:
    refuses(check_haproxy(with_mistake(REDIS, tmp_path / "redis.cfg", mutation)))


@pytest.mark.parametrize(
    "mutation",
    [
        ("proxy_http_version 1.1;", "proxy_http_version 1.1"),
        ("proxy_read_timeout 300s", "proxy_read_timeouts 300s"),
        ("$connection_header;", "$conection_header;"),
        ("proxy_pass http://gateway;", "proxy_pass gateway;"),
    ],
)
def test_nginx_notices_a_mistake(mutation: Mutation, tmp_path: Path) -> None:
    refuses(nginx_with(mutation, tmp_path))


@pytest.mark.parametrize("mutation", [("least_conn;", "least_con;"), ("upstream gateway {", "upstream gateways {")])
def test_nginx_notices_a_mistake_in_the_list_of_processes(mutation: Mutation, tmp_path: Path) -> None:
    with_mistake(UPSTREAMS, tmp_path / UPSTREAMS.name, mutation)

    refuses(nginx_with(("worker_processes auto;", "worker_processes 1;"), tmp_path))


def test_neither_cuts_a_socket_between_two_heartbeats() -> None:
    heartbeat = Settings().heartbeat_seconds

    assert "timeout tunnel 5m" in HAPROXY.read_text()
    assert "proxy_read_timeout 300s" in NGINX.read_text()
    assert 4 * heartbeat <= 300


@pytest.mark.parametrize(
    "variable", ["$request ", "$request_uri", "$args", "$query_string", "$http_authorization", "$http_referer"]
)
def test_nginx_logs_nothing_that_may_hold_a_token(variable: str) -> None:
    [log_format] = [part.split(";")[0] for part in NGINX.read_text().split("log_format")[1:]]
    assert variable not in log_format


@pytest.mark.parametrize("variable", ["%r", "%HU", "%HQ", "%hr", "capture request header"])
def test_haproxy_logs_nothing_that_may_hold_a_token(variable: str) -> None:
    [line] = [line for line in HAPROXY.read_text().splitlines() if line.strip().startswith("log-format")]
    assert f"{variable}" not in line.replace("%rt", "")
