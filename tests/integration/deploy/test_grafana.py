"""The dashboards, and how Grafana finds them."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deploy.dashboards import DASHBOARDS, load, panels, queries
from tests.integration.deploy.files import DEPLOY, Mutation, documents, with_mistake
from tests.integration.deploy.metrics import measured, metrics_of, mistakes_in

GRAFANA = DEPLOY / "grafana"
KINDS = {"row", "stat", "timeseries", "heatmap"}
SOURCE = GRAFANA / "provisioning/datasources/prometheus.yml"
PROVIDER = GRAFANA / "provisioning/dashboards/parley.yml"
HOME = "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
WIDTH = 24
LEFT_OUT = {
    "parley_jwks_fetches_total",  # only where there is a key set; its age is alarmed
    "parley_jwks_fetched_timestamp_seconds",
}

Json = dict[str, Any]


def overlap(one: Json, other: Json) -> bool:
    return bool(
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def faults_of(board: Json) -> list[str]:
    """What Grafana would show wrongly or not at all."""
    found = [f"{panel['title']}: {mistake}" for panel in panels(board) for mistake in _faults_of_a_panel(panel)]
    for one, other in combinations(panels(board), 2):
        if one["id"] == other["id"] or overlap(one["gridPos"], other["gridPos"]):
            found.append(f"{one['title']} and {other['title']} are in the same place")
    return found


def _faults_of_a_panel(panel: Json) -> list[str]:
    if panel["type"] == "row":
        return []
    faults = [] if panel["type"] in KINDS else [f"unknown type {panel['type']}"]
    if not panel.get("description") or not panel["targets"]:
        faults.append("nothing says or asks what it shows")
    if panel["gridPos"]["x"] + panel["gridPos"]["w"] > WIDTH:
        faults.append("it is too wide")
    if panel["datasource"]["uid"] != "${datasource}":
        faults.append("it asks a data source of its own")
    try:
        faults += [mistake for query in queries(panel) for mistake in mistakes_in(query)]
    except ValueError as error:
        faults.append(str(error))
    return faults


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: str(path.stem))
def test_every_panel_has_its_place_and_asks_for_what_our_code_measures(path: Path) -> None:
    assert faults_of(load(path)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("sum(parley_gateway_connections)", "sum(parley_gateway_connection)", "there is no parley_gateway_connection"),
        ("sum(parley_gateway_connections)", "sum(parley_gateway_connections", "unclosed"),
        ("sum by (outcome)", "sum by (result)", "nothing has the label result"),
        ('"type": "stat"', '"type": "stats"', "unknown type stats"),
        ('"x": 4', '"x": 3', "in the same place"),
    ],
)
def test_a_mistake_in_a_dashboard_is_noticed(right: str, wrong: str, fault: str) -> None:
    text = (GRAFANA / "dashboards/fleet.json").read_text()
    assert right in text

    assert any(fault in found for found in faults_of(json.loads(text.replace(right, wrong, 1))))


def test_the_dashboards_know_each_other_by_a_tag() -> None:
    boards = [load(path) for path in DASHBOARDS]

    assert {board["uid"] for board in boards} == {
        "parley-fleet",
        "parley-gateway",
        "parley-persistence",
        "parley-pusher",
        "parley-safety",
    }
    assert all(board["tags"] == ["parley"] for board in boards)


def test_whatever_is_measured_is_shown() -> None:
    shown = {
        metric
        for path in DASHBOARDS
        for panel in panels(load(path))
        for query in queries(panel)
        for metric in metrics_of(query)
    }
    shown = {metric.removesuffix("_bucket").removesuffix("_count") for metric in shown}
    names = {series.removesuffix("_bucket") for series in measured() if not series.endswith(("_count", "_sum"))}

    unseen = {name for name in names if name.startswith("parley_")} - shown - LEFT_OUT
    assert not unseen, f"show it on a dashboard of deploy/grafana, or say in LEFT_OUT why not: {unseen}"


def faults_of_the_provisioning(source_path: Path, provider_path: Path) -> list[str]:
    """What keeps Grafana, as compose runs it, from its dashboards or from Prometheus. No tool of Grafana's checks it."""
    [source] = documents(source_path)[0].get("datasources", [{}])
    [provider] = documents(provider_path)[0].get("providers", [{}])
    [fleet] = documents(DEPLOY / "compose.yaml")
    mounted = dict(volume.split(":")[:2] for volume in fleet["services"]["grafana"]["volumes"])
    wanted = {
        "apiVersion": ((documents(source_path)[0].get("apiVersion"), documents(provider_path)[0].get("apiVersion")), (1, 1)),
        "type": ((source.get("type"), provider.get("type")), ("prometheus", "file")),
        "url": (source.get("url"), "http://prometheus:9090"),
        "isDefault": (source.get("isDefault"), True),
        "path": (provider.get("options", {}).get("path"), mounted["./grafana/dashboards"]),
    }
    return [f"{name} is {found}, not {right}" for name, (found, right) in wanted.items() if found != right]


def test_grafana_is_told_where_the_dashboards_and_prometheus_are() -> None:
    assert faults_of_the_provisioning(SOURCE, PROVIDER) == []
    home = documents(DEPLOY / "compose.yaml")[0]["services"]["grafana"]["environment"][HOME]
    assert (GRAFANA / "dashboards" / Path(home).name).exists()


@pytest.mark.parametrize(
    ("mistaken", "mutation"),
    [
        (SOURCE, ("datasources:", "datasource:")),
        (SOURCE, ("prometheus:9090", "prometheus:9091")),
        (PROVIDER, ("providers:", "provider:")),
        (PROVIDER, ("path: /etc/grafana/dashboards", "path: /etc/grafana/dashboard")),
    ],
)
def test_a_mistake_in_what_grafana_is_told_is_noticed(mistaken: Path, mutation: Mutation, tmp_path: Path) -> None:
    wrong = with_mistake(mistaken, tmp_path / "mistaken.yml", mutation)

    assert faults_of_the_provisioning(*(wrong if path is mistaken else path for path in (SOURCE, PROVIDER)))
