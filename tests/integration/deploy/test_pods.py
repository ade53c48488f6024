"""What the manifests promise of the pods: how they stop, what they may do, who reaches them, how many there are."""

import re

import pytest

from services.processes import STOP_SECONDS
from shared.ids import new_id
from shared.settings import VARIABLES, Settings, from_mapping
from tests.integration.deploy.files import KUBERNETES, documents, find
from tests.integration.deploy.manifests import (
    SERVICES,
    all_base,
    container,
    deployment,
    named,
    settings_of_the_base,
)

MIGRATION_URL = "MIGRATION_DATABASE_URL"
MARGIN_SECONDS = 5


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_time_for_its_drain_and_for_the_proxies_to_notice(service: str) -> None:
    spec = deployment(service)["spec"]["template"]["spec"]
    sleep = container(deployment(service))["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(settings_of_the_base().get("DRAIN_SECONDS", Settings().drain_seconds))

    assert spec["terminationGracePeriodSeconds"] >= sleep + drain + STOP_SECONDS + MARGIN_SECONDS
    assert service in ("pusher", "webhooks") or sleep >= 5


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

    assert leads.pop("/messages/") == ("gateway", "public")
    [files] = [path for path, (service, _) in leads.items() if service == "media"]
    assert re.fullmatch(files, f"/api/attachments/{new_id()}/content")
    assert re.fullmatch(files, f"/api/attachments/{new_id()}")
    assert not re.fullmatch(files, f"/api/attachments/{new_id()}/state")
    assert leads.pop(files) == ("media", "public")
    assert leads.keys() >= {"/api/", "/notifications/token", "/health"}
    assert set(leads.values()) == {("persistence", "public")}
    for name in ("gateway", "persistence", "media"):
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
