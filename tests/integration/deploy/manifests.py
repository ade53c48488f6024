"""The manifests of deploy/kubernetes, as they are written and as kustomize renders them."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.integration.deploy.files import KUBERNETES, accepts, documents, find, run
from tests.support.tools import require_tool

SERVICES = ("gateway", "persistence", "pusher", "webhooks", "media")

Manifest = dict[str, Any]


def kustomize(directory: Path) -> "subprocess.CompletedProcess[str]":
    """Debian's kubectl is too old to know components. Without one the manifests are checked only as they are written."""
    return run(require_tool("kubectl", how="make .venv/bin/kubectl"), "kustomize", directory)


@cache
def rendered_text(overlay: str) -> str:
    result = kustomize(KUBERNETES / overlay)
    accepts(result)
    return result.stdout


def rendered(overlay: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(rendered_text(overlay)) if document]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return find(manifests, lambda item: item["kind"] == kind and item["metadata"]["name"] == name)


def all_base() -> list[Manifest]:
    return documents(*sorted((KUBERNETES / "base").glob("*.yaml")))


def deployment(service: str) -> Manifest:
    return named(all_base(), "Deployment", service)


def container(manifest: Manifest) -> Manifest:
    [only] = manifest["spec"]["template"]["spec"]["containers"]
    return dict(only)


def settings_of_the_base() -> dict[str, str]:
    [generator] = documents(KUBERNETES / "base" / "kustomization.yaml")[0]["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in generator["literals"])
