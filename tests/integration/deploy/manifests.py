"""The manifests of deploy/kubernetes, as they are written and as kustomize renders them."""

import shutil
from functools import cache
from typing import Any

import pytest
import yaml

from tests.integration.deploy.files import KUBERNETES, accepts, documents, find, run

SERVICES = ("gateway", "persistence", "pusher")

Manifest = dict[str, Any]


def kubectl_or_skip() -> str:
    """Skips also in CI: Debian's is too old to know components, and no registry of packages has another."""
    path = shutil.which("kubectl")
    if path is None:
        pytest.skip("kubectl is not installed: the manifests were checked only as they are written")
    return path


@cache
def rendered_text(overlay: str) -> str:
    kubectl = kubectl_or_skip()
    result = run(kubectl, "kustomize", KUBERNETES / overlay)
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
