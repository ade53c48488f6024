"""Which requests are traced, and what a span tells of itself."""

import pytest
from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.otel import OtelTracing, resource
from shared.tracing import CONTEXT_BYTES, PUBLISH

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
MARKED, UNMARKED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}, {"traceparent": f"00-{TRACE}-{PARENT}-00"}
NONSENSE = {"traceparent": f"00-{'0' * 32}-{PARENT}-01"}


def tracing(sample: float, *, honours_parent: bool = False) -> tuple[OtelTracing, InMemorySpanExporter]:
    provider, told = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(told))
    return OtelTracing(provider.get_tracer("test"), sample, honours_parent=honours_parent), told


def traced(made: OtelTracing, headers: dict[str, str]) -> bool:
    return made.request("GET", "/", headers) is not None


@pytest.mark.parametrize("headers", [{}, MARKED, UNMARKED, NONSENSE])
def test_a_traceparent_counts_for_nothing_unless_it_is_to_be_honoured(headers: dict[str, str]) -> None:
    assert traced(tracing(1.0)[0], headers)
    assert not traced(tracing(0.0)[0], headers)


def test_an_honoured_traceparent_decides_and_without_a_valid_one_the_sample_does() -> None:
    all_of_them, none = tracing(1.0, honours_parent=True)[0], tracing(0.0, honours_parent=True)[0]

    assert traced(none, MARKED)
    assert not traced(all_of_them, UNMARKED)
    for headers in ({}, NONSENSE):
        assert traced(all_of_them, headers)
        assert not traced(none, headers)


def test_a_tenth_is_a_tenth() -> None:
    made, _ = tracing(0.1)

    assert 800 < sum(traced(made, {}) for _ in range(10_000)) < 1200


def test_a_step_is_below_the_span_whose_context_came_with_it() -> None:
    made, told = tracing(0.0, honours_parent=True)
    request = made.request("POST", "/api", MARKED)
    assert request is not None
    assert len(request.context) == CONTEXT_BYTES
    assert request.context[:16].hex() == request.trace_id == TRACE

    step = made.step(PUBLISH, request.context)
    assert step is not None
    step.end(error="not published")
    request.end()

    published, requested = told.get_finished_spans()
    assert published.parent is not None
    assert requested.context is not None
    assert (published.parent.trace_id, published.parent.span_id) == (int(TRACE, 16), requested.context.span_id)
    assert not published.status.is_ok


@pytest.mark.parametrize("context", [b"", bytes(23), bytes(25)])
def test_a_context_of_another_size_is_nobodys(context: bytes) -> None:
    assert tracing(1.0)[0].step(PUBLISH, context) is None


def test_a_service_has_its_own_name_unless_the_environment_gives_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resource("gateway").attributes[SERVICE_NAME] == "parley-gateway"

    monkeypatch.setenv("OTEL_SERVICE_NAME", "chat")

    assert resource("gateway").attributes[SERVICE_NAME] == "chat"
