"""Which metrics there are, and which ones a query asks for."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache

import promql_parser
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase
from promql_parser import AggModifierType, AggregateExpr, VectorSelector

import gateway
import media
import persistence
import pusher
import shared
import webhooks
from gateway.stats import Stats
from shared.streams import GatewayStats

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}

Series = dict[str, set[str]]
"""The name of a series, and the names of its labels."""

OF_A_TARGET = {"job", "instance", "namespace", "pod"}
"""Labels that Prometheus gives to everything it scrapes."""

FOREIGN: Series = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate"},
    "process_open_fds": set(),
    "process_max_fds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
}
"""Of Prometheus itself, and of the Python client in every process."""

OF_THE_CLUSTER: Series = {
    "kube_deployment_status_replicas_unavailable": {"deployment"},
    "kube_horizontalpodautoscaler_status_current_replicas": {"horizontalpodautoscaler"},
    "kube_horizontalpodautoscaler_spec_max_replicas": {"horizontalpodautoscaler"},
    "kube_job_status_failed": {"job_name"},
    "certmanager_certificate_expiration_timestamp_seconds": {"name"},
}
"""Of kube-state-metrics and cert-manager, by their documentation."""


@cache
def measured() -> Series:
    """What our code exposes."""
    for package in (gateway, persistence, pusher, webhooks, media, shared):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return dict(_registered()) | dict(_of_a_gateway())


def _registered() -> Iterator[tuple[str, set[str]]]:
    for collector in list(REGISTRY._collector_to_names):  # the only place that knows labels without a value yet
        if isinstance(collector, MetricWrapperBase):
            for metric in collector.describe():
                yield from _series(metric, set(collector._labelnames))


def _of_a_gateway() -> Iterator[tuple[str, set[str]]]:
    stats = Stats(lambda: GatewayStats(connections=0, rooms=0, users=0, started_ms=0), lambda: 0)
    stats.count_closed(1000)
    stats.count_failure("draining")
    for metric in stats.collect():
        yield from _series(metric, {label for sample in metric.samples for label in sample.labels} - {"le"})


def _series(metric: Metric, labels: set[str]) -> Iterator[tuple[str, set[str]]]:
    for suffix in SUFFIXES[metric.type]:
        yield metric.name + suffix, labels | ({"le"} if suffix == "_bucket" else set())


def metrics_of(query: str) -> set[str]:
    """The names of the series that a query selects. Raises ValueError where it is no PromQL."""
    return {name for name, _ in _selected(promql_parser.parse(query))}


def mistakes_in(query: str, recorded: Series | None = None) -> list[str]:
    """Series and labels that nobody exposes: neither our code, nor Prometheus, nor a recording rule.

    Raises ValueError where the query is no PromQL.
    """
    known = {**measured(), **FOREIGN, **OF_THE_CLUSTER, **(recorded or {})}
    parsed = promql_parser.parse(query)
    unknown = [f"there is no {name}" for name in sorted(metrics_of(query) - set(known))]
    return unknown or [*_wrong_matchers(parsed, known), *_wrong_groups(parsed, known)]


def _wrong_matchers(parsed: object, known: Series) -> Iterator[str]:
    for name, selector in _selected(parsed):
        for matcher in selector.matchers.matchers:
            if matcher.name not in known[name] | OF_A_TARGET:
                yield f"{name} has no label {matcher.name}"


def _wrong_groups(parsed: object, known: Series) -> Iterator[str]:
    for node in _nodes(parsed):
        if isinstance(node, AggregateExpr) and node.modifier and node.modifier.type == AggModifierType.By:
            below = {label for name, _ in _selected(node) for label in known[name]}
            for label in sorted(set(node.modifier.labels) - below - OF_A_TARGET):
                yield f"nothing has the label {label} in {node}"


def _selected(parsed: object) -> list[tuple[str, VectorSelector]]:
    return [(node.name, node) for node in _nodes(parsed) if isinstance(node, VectorSelector) and node.name]


def _nodes(node: object) -> Iterator[object]:
    """The node and all below it."""
    yield node
    below = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param", "vector_selector")]
    for inner in [*below, *(getattr(node, "args", None) or ())]:
        if inner is not None:
            yield from _nodes(inner)
