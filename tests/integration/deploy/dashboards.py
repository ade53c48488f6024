"""The dashboards of deploy/grafana, read as Grafana reads them."""

import json
from pathlib import Path
from typing import Any

from tests.integration.deploy.files import DEPLOY

PRODUCT = DEPLOY / "grafana/dashboards/product.json"
"""Asks Postgres; the others ask Prometheus."""
DASHBOARDS = sorted(path for path in (DEPLOY / "grafana/dashboards").glob("*.json") if path != PRODUCT)

FILLED_IN = {"$__rate_interval": "1m", "$instance": ".*"}
"""What Grafana puts in the place of its variables."""


def load(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return list(board["panels"])


def queries(panel: dict[str, Any]) -> list[str]:
    """What it asks Prometheus, its variables filled in."""
    return [_filled(target["expr"]) for target in panel.get("targets", ())]


def _filled(query: str) -> str:
    for variable, value in FILLED_IN.items():
        query = query.replace(variable, value)
    return query
