"""Which paths the shipped front doors send to Parley: its own, and below /notifications no others."""

import re
from unittest.mock import MagicMock

import pytest
import yaml

from persistence import app
from tests.integration.deploy.files import DEPLOY

SERVED = sorted({route.path.partition("{")[0] for route in app.endpoints(MagicMock())})
NOTIFICATIONS = sorted({path for path in SERVED if path.startswith("/notifications")})


def ingress_paths() -> list[tuple[str, str]]:
    _, persistence, _ = yaml.safe_load_all((DEPLOY / "kubernetes/base/ingress.yaml").read_text())
    [rule] = persistence["spec"]["rules"]
    return [(one["path"], one["pathType"]) for one in rule["http"]["paths"]]


def leads_to_parley(path: str) -> bool:
    return any(path == prefix or (kind == "Prefix" and path.startswith(prefix)) for prefix, kind in ingress_paths())


@pytest.mark.parametrize("path", [*SERVED, "/health", "/docs", "/openapi.json"])
def test_the_ingress_leads_every_route_to_parley(path: str) -> None:
    assert leads_to_parley(path)


@pytest.mark.parametrize("path", ["/notifications", "/notifications/", "/notifications/mine", "/", "/internal/heads"])
def test_the_ingress_leads_no_other_path_to_parley(path: str) -> None:
    assert not leads_to_parley(path)


@pytest.mark.parametrize("path", NOTIFICATIONS)
@pytest.mark.parametrize("file", ["nginx/nginx.conf", "haproxy/haproxy.cfg"])
def test_the_load_balancers_know_each_of_parleys_paths_below_notifications(file: str, path: str) -> None:
    text = (DEPLOY / file).read_text()

    assert re.search(rf"\b{path.rsplit('/', 1)[1]}\b", text)
