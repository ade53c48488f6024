"""The manifests are valid, as they are written and as kustomize renders them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.deploy.files import (
    DEPLOY,
    KUBERNETES,
    Mutation,
    accepts,
    documents,
    of_this_environment,
    refuses,
    run,
    with_mistake,
)
from tests.integration.deploy.manifests import Manifest, all_base, container, kustomize, rendered
from tests.integration.deploy.metrics import metrics_of, mistakes_in

VERSION = "1.34"
"""Of Kubernetes: the first in which preStop.sleep is stable."""

SCALED_OBJECT = Path(__file__).with_name("scaled-object.schema.json")
MANIFESTS = sorted(
    path for path in KUBERNETES.rglob("*.yaml") if path.name not in ("kustomization.yaml", "host.yaml", "sockets.yaml")
)
"""Whole manifests; the others are kustomize's own and its patches, which the rendered overlays show."""

ADAPTER = DEPLOY / "prometheus/adapter.yaml"
OVERLAYS = ("overlays/production", "overlays/keda", "migration")


def validate(path: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("kubernetes-validate"), "--strict", "--quiet", "-k", VERSION, path)


def check_scaled_objects(*paths: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("check-jsonschema"), "--schemafile", SCALED_OBJECT, *paths)


def is_validated(manifest: Manifest) -> bool:
    return str(manifest["apiVersion"]) != "keda.sh/v1alpha1"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(KUBERNETES)))
def test_a_manifest_is_valid_before_kustomize_touched_it(path: Path, tmp_path: Path) -> None:
    standard = [document for document in documents(path) if is_validated(document)]
    ours = [document for document in documents(path) if not is_validated(document)]
    if standard:
        (tmp_path / "standard.yaml").write_text(yaml.safe_dump_all(standard))
        accepts(validate(tmp_path / "standard.yaml"))
    for number, document in enumerate(ours):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document))
    if ours:
        accepts(check_scaled_objects(*(tmp_path / f"{number}.yaml" for number in range(len(ours)))))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_to_valid_manifests_of_an_image_with_a_tag(overlay: str, tmp_path: Path) -> None:
    path = tmp_path / "rendered.yaml"
    path.write_text(yaml.safe_dump_all(filter(is_validated, rendered(overlay))))

    accepts(validate(path))
    images = {container(item)["image"] for item in rendered(overlay) if item["kind"] in ("Deployment", "Job")}
    assert len(images) == 1
    assert ":" in images.pop()


@pytest.mark.parametrize(
    ("name", "mutation"),
    [
        ("base/gateway.yaml", ("readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true")),
        ("base/gateway.yaml", ("maxSurge: 1", "maxSurge: [1]")),
        ("base/gateway.yaml", ("unhealthyPodEvictionPolicy: AlwaysAllow", "unhealthyPodEviction: AlwaysAllow")),
        ("base/persistence.yaml", ("path: /live", "paths: /live")),
        ("base/persistence.yaml", ("targetPort: public", "target: public")),
        ("base/pusher.yaml", ("averageValue:", "average:")),
        ("base/ingress.yaml", ("pathType: Prefix", "pathtype: Prefix")),
        ("base/network-policies.yaml", ("policyTypes: [Ingress]", "policyTypes: Ingress")),
        ("base/namespace.yaml", ("labels:", "label:")),
        ("migration/job.yaml", ("backoffLimit: 3", "backOffLimit: 3")),
    ],
)
def test_a_mistake_in_a_manifest_is_noticed(name: str, mutation: Mutation, tmp_path: Path) -> None:
    refuses(validate(with_mistake(KUBERNETES / name, tmp_path / "mistaken.yaml", mutation)))


@pytest.mark.parametrize("mutation", [("threshold:", "treshold:"), ("minReplicaCount: 3", "minReplicas: 3")])
def test_a_mistake_in_a_scaled_object_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    whole = with_mistake(KUBERNETES / "overlays/keda/scaled-objects.yaml", tmp_path / "whole.yaml", mutation)
    path = tmp_path / "first.yaml"
    path.write_text(yaml.safe_dump(documents(whole)[0]))

    refuses(check_scaled_objects(path))


@pytest.mark.parametrize(
    ("file", "mutation"),
    [
        ("overlays/production/kustomization.yaml", ("path: sockets.yaml", "path: socket.yaml")),
        ("overlays/production/sockets.yaml", ("name: gateway", "name: gatway")),
        ("overlays/production/kustomization.yaml", ("behavior: merge", "behaviour: merge")),
        ("overlays/production/host.yaml", ("path: /spec/rules/0/host", "path: /spec/rules/1/host")),
        ("release/kustomization.yaml", ("newTag:", "tag:")),
    ],
)
def test_a_mistake_in_an_overlay_is_noticed(file: str, mutation: Mutation, tmp_path: Path) -> None:
    copy = shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    with_mistake(KUBERNETES / file, copy / file, mutation)

    refuses(kustomize(copy / "overlays/production"))


def test_keda_takes_the_place_of_the_autoscalers_that_it_replaces() -> None:
    manifests = rendered("overlays/keda")
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in manifests if item["kind"] == "ScaledObject"}
    scaled_otherwise = {item["metadata"]["name"] for item in manifests if item["kind"] == "HorizontalPodAutoscaler"}

    assert (scaled, scaled_otherwise) == ({"gateway", "pusher"}, {"persistence", "media"})


def faults_of_the_adapter(path: Path) -> list[str]:
    """Of its queries, the templates filled in as prometheus-adapter does it."""
    found = []
    for rule in documents_of_a_list(path):
        series = rule["seriesQuery"].split("{")[0]
        filled = {"<<.Series>>": series, "<<.LabelMatchers>>": 'namespace="parley",pod=~"a|b"', "<<.GroupBy>>": "pod"}
        query = rule["metricsQuery"]
        for template, value in filled.items():
            query = query.replace(template, value)
        found += [fault for asked in (rule["seriesQuery"], query) for fault in query_faults(asked)]
        found += [] if metrics_of(rule["seriesQuery"]) == {rule["name"]["as"]} else [f"{series} has another name"]
    return found


def documents_of_a_list(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text()))


def query_faults(query: str) -> list[str]:
    try:
        return mistakes_in(query)
    except ValueError as error:
        return [str(error)]


def test_the_adapter_asks_prometheus_for_what_we_measure() -> None:
    assert faults_of_the_adapter(ADAPTER) == []


@pytest.mark.parametrize(
    "mutation",
    [
        ("by (<<.GroupBy>>)", "by <<.GroupBy>>"),
        ("parley_gateway_connections{", "parley_gateway_connection{"),
        ("as: parley_pusher_stream_age_seconds", "as: parley_pusher_stream_age"),
        ("<<.Series>>", "<<.Serie>>"),
    ],
)
def test_a_mistake_in_the_adapter_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    assert faults_of_the_adapter(with_mistake(ADAPTER, tmp_path / "adapter.yaml", mutation))


def test_every_number_that_scales_something_is_one_that_we_measure() -> None:
    scaled = documents(KUBERNETES / "overlays/keda/scaled-objects.yaml")
    queries = [
        trigger["metadata"]["query"]
        for item in scaled
        for trigger in item["spec"]["triggers"]
        if "query" in trigger["metadata"]
    ]
    pod_metrics = [
        metric["pods"]["metric"]["name"]
        for item in all_base()
        if item["kind"] == "HorizontalPodAutoscaler"
        for metric in item["spec"]["metrics"]
        if metric["type"] == "Pods"
    ]
    assert len(queries) == 2
    for query in [*queries, *pod_metrics]:
        assert metrics_of(query)
        assert mistakes_in(query) == []
    assert {rule["name"]["as"] for rule in documents_of_a_list(ADAPTER)} == set(pod_metrics)
