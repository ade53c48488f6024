"""The manifests, as they are and as kustomize renders them."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.processes import STOP_SECONDS
from shared.settings import VARIABLES, Settings, from_mapping
from tests.integration.deploy.files import (
    DEPLOY,
    KUBERNETES,
    Mutation,
    accepts,
    documents,
    find,
    of_this_environment,
    refuses,
    run,
    with_mistake,
)
from tests.integration.deploy.metrics import metrics_of, mistakes_in

VERSION = "1.34"
"""Of Kubernetes: the first in which preStop.sleep is stable."""

SCALED_OBJECT = Path(__file__).with_name("scaled-object.schema.json")
MANIFESTS = sorted(
    path for path in KUBERNETES.rglob("*.yaml") if path.name not in ("kustomization.yaml", "host.yaml", "sockets.yaml")
)
"""Whole manifests; the others are kustomize's own and its patches, which the rendered overlays show."""

SERVICES = ("gateway", "persistence", "pusher")
OVERLAYS = ("overlays/production", "overlays/keda", "migration")
MIGRATION_URL = "MIGRATION_DATABASE_URL"
MARGIN_SECONDS = 5

Manifest = dict[str, Any]


def validate(path: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("kubernetes-validate"), "--strict", "--quiet", "-k", VERSION, path)


def check_scaled_objects(*paths: Path) -> "subprocess.CompletedProcess[str]":
    return run(of_this_environment("check-jsonschema"), "--schemafile", SCALED_OBJECT, *paths)


def is_validated(manifest: Manifest) -> bool:
    return str(manifest["apiVersion"]) != "keda.sh/v1alpha1"


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
        ("gateway.yaml", ("readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true")),
        ("gateway.yaml", ("maxSurge: 1", "maxSurge: [1]")),
        ("persistence.yaml", ("path: /live", "paths: /live")),
        ("pusher.yaml", ("averageValue:", "average:")),
        ("ingress.yaml", ("pathType: Prefix", "pathtype: Prefix")),
        ("network-policies.yaml", ("policyTypes: [Ingress]", "policyTypes: Ingress")),
    ],
)
def test_a_mistake_in_a_manifest_is_noticed(name: str, mutation: Mutation, tmp_path: Path) -> None:
    refuses(validate(with_mistake(KUBERNETES / "base" / name, tmp_path / name, mutation)))


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
    ],
)
def test_a_mistake_in_an_overlay_is_noticed(file: str, mutation: Mutation, tmp_path: Path) -> None:
    kubectl = kubectl_or_skip()
    copy = shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    with_mistake(KUBERNETES / file, copy / file, mutation)

    refuses(run(kubectl, "kustomize", copy / "overlays/production"))


def test_keda_takes_the_place_of_the_autoscalers_that_it_replaces() -> None:
    manifests = rendered("overlays/keda")
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in manifests if item["kind"] == "ScaledObject"}
    scaled_otherwise = {item["metadata"]["name"] for item in manifests if item["kind"] == "HorizontalPodAutoscaler"}

    assert (scaled, scaled_otherwise) == ({"gateway", "pusher"}, {"persistence"})


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
    [adapted] = [
        json.loads(json.dumps(rules)) for rules in yaml.safe_load_all((DEPLOY / "prometheus/adapter.yaml").read_text())
    ]

    assert len(queries) == 2
    for query in [*queries, *pod_metrics, *(rule["seriesQuery"] for rule in adapted)]:
        assert metrics_of(query)
        assert mistakes_in(query) == []
    assert {rule["name"]["as"] for rule in adapted} == set(pod_metrics)


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_time_for_its_drain_and_for_the_proxies_to_notice(service: str) -> None:
    spec = deployment(service)["spec"]["template"]["spec"]
    sleep = container(deployment(service))["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(settings_of_the_base().get("DRAIN_SECONDS", Settings().drain_seconds))

    assert spec["terminationGracePeriodSeconds"] >= sleep + drain + STOP_SECONDS + MARGIN_SECONDS
    assert service == "pusher" or sleep >= 5


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_is_probed_on_its_internal_port_and_lives_whatever_is_away(service: str) -> None:
    described = container(deployment(service))
    probes = {name: described[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}

    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/live",
        "liveness": "/live",
        "readiness": "/ready",
    }
    assert {probe["port"] for probe in probes.values()} == {"internal"}


@pytest.mark.parametrize("service", [*SERVICES, "migrate"])
def test_a_pod_may_do_nothing_that_it_need_not_do(service: str) -> None:
    [job] = documents(KUBERNETES / "migration" / "job.yaml")
    manifest = job if service == "migrate" else deployment(service)
    spec, confined = manifest["spec"]["template"]["spec"], container(manifest)["securityContext"]

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec["automountServiceAccountToken"]
    assert confined["readOnlyRootFilesystem"]
    assert not confined["allowPrivilegeEscalation"]
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container(manifest)["resources"]["limits"]


@pytest.mark.parametrize("service", [*SERVICES, "migrate"])
def test_a_pod_gets_settings_that_exist_and_secrets_by_reference(service: str) -> None:
    [job] = documents(KUBERNETES / "migration" / "job.yaml")
    variables = container(job if service == "migrate" else deployment(service))["env"]

    assert {variable["name"] for variable in variables} <= set(VARIABLES)
    for variable in variables:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert reference["name"] == "parley"
        assert reference["key"] == (MIGRATION_URL if service == "migrate" else variable["name"])


def test_only_persistence_and_the_migration_know_where_postgres_is() -> None:
    knows = {
        service
        for service in SERVICES
        if any(variable["name"] == "DATABASE_URL" for variable in container(deployment(service))["env"])
    }
    assert knows == {"persistence"}


def test_the_settings_of_base_and_overlay_are_well_formed_and_no_secret_is_among_them() -> None:
    [merged] = documents(KUBERNETES / "overlays/production/kustomization.yaml")[0]["configMapGenerator"]
    settings = settings_of_the_base() | dict(literal.split("=", 1) for literal in merged["literals"])

    assert set(settings) <= set(VARIABLES)
    parsed = from_mapping(settings)
    assert parsed.service_token is parsed.database_url is parsed.redis_url is None
    assert parsed.jwt_secrets == ()


def test_autoscaling_starts_at_sixty_percent_of_what_a_gateway_takes_and_shrinks_slowly() -> None:
    autoscaler = named(all_base(), "HorizontalPodAutoscaler", "gateway")["spec"]
    connections = find(autoscaler["metrics"], lambda metric: metric["type"] == "Pods")["pods"]["target"]["averageValue"]
    [shrinking] = autoscaler["behavior"]["scaleDown"]["policies"]

    assert int(connections) == 0.6 * int(settings_of_the_base()["MAX_CONNECTIONS"])
    assert (shrinking["value"], shrinking["periodSeconds"]) == (1, 600)
    assert autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 600
    assert "replicas" not in deployment("gateway")["spec"], "each apply would take back what the autoscaler did"


def test_every_selector_finds_its_pods() -> None:
    labels = {service: deployment(service)["spec"]["template"]["metadata"]["labels"] for service in SERVICES}
    for item in all_base():
        if item["kind"] == "Service":
            wanted = item["spec"]["selector"]
        elif item["kind"] in ("PodDisruptionBudget", "Deployment"):
            wanted = item["spec"]["selector"]["matchLabels"]
        else:
            continue
        found = [service for service, has in labels.items() if wanted.items() <= has.items()]
        assert len(found) == 1, item["metadata"]["name"]


def test_no_ingress_leads_to_an_internal_port_and_every_route_to_the_service_that_has_it() -> None:
    leads = {}
    for item in all_base():
        if item["kind"] == "Ingress":
            [rule] = item["spec"]["rules"]
            for path in rule["http"]["paths"]:
                leads[path["path"]] = (path["backend"]["service"]["name"], path["backend"]["service"]["port"]["name"])

    assert leads == {"/messages/": ("gateway", "public"), "/": ("persistence", "public")}
    for name in ("gateway", "persistence"):
        [port] = named(all_base(), "Service", name)["spec"]["ports"]
        assert (port["name"], port["port"]) == ("public", 3001)


def test_internal_ports_are_open_to_our_services_and_to_prometheus_alone() -> None:
    policies = [item for item in all_base() if item["kind"] == "NetworkPolicy"]
    closed = named(policies, "NetworkPolicy", "nothing-comes-in")["spec"]
    opened = {
        item["metadata"]["name"]: [port["port"] for rule in item["spec"]["ingress"] for port in rule["ports"]]
        for item in policies
        if "ingress" in item["spec"]
    }

    assert (closed["podSelector"], closed.get("ingress")) == ({}, None)
    assert opened == {
        "public-from-the-ingress": ["public"],
        "internal-from-services": ["internal"],
        "metrics-from-monitoring": ["internal"],
    }
