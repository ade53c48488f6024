"""Tracing by OpenTelemetry's SDK: the one module that knows it.

Ended spans wait in a queue of bounded length; a thread of the SDK's sends them by OTLP over HTTP, and drops them where
nobody takes them. Where to, with which headers, and the rest of that, the SDK reads from its own OTEL_… variables.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from random import random

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.tracing import COMMIT, CONTEXT_BYTES, DELIVER, NO_FACTS, PUBLISH, PUSH, RELAY, Facts, Span

log = structlog.get_logger()

FLUSH_SECONDS = 3.0
"""How long the end of a process waits for its last spans to leave."""
KINDS = {
    COMMIT: trace.SpanKind.INTERNAL,
    PUBLISH: trace.SpanKind.PRODUCER,
    RELAY: trace.SpanKind.PRODUCER,
    DELIVER: trace.SpanKind.CONSUMER,
    PUSH: trace.SpanKind.CONSUMER,
}
_TRACE_ID_BYTES = 16


class OtelSpan:
    """A recorded span."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def context(self) -> bytes:
        context = self._span.get_span_context()
        return context.trace_id.to_bytes(_TRACE_ID_BYTES, "big") + context.span_id.to_bytes(8, "big")

    @property
    def trace_id(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"

    def end(self, facts: Facts = NO_FACTS, *, error: str | None = None) -> None:
        self._span.set_attributes(dict(facts))
        if error is not None:
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        self._span.end()


class OtelTracing:
    """`sample` is the part of the requests, 0 to 1, that is traced. With `honours_parent` a request that brings a
    `traceparent` is traced where that says so, and only there."""

    def __init__(self, tracer: trace.Tracer, sample: float, *, honours_parent: bool) -> None:
        self._tracer = tracer
        self._sample = sample
        self._honours_parent = honours_parent
        self._propagator = TraceContextTextMapPropagator()

    def request(self, method: str, route: str, headers: Mapping[str, str]) -> Span | None:
        parent = trace.INVALID_SPAN_CONTEXT
        if self._honours_parent and "traceparent" in headers:
            parent = self._parent(headers["traceparent"])
        if not (parent.trace_flags.sampled if parent.is_valid else random() < self._sample):
            return None
        return self._span(
            f"{method} {route}",
            parent,
            trace.SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
        )

    def step(self, name: str, parent: bytes) -> Span | None:
        if len(parent) != CONTEXT_BYTES:
            return None
        trace_id, span_id = parent[:_TRACE_ID_BYTES], parent[_TRACE_ID_BYTES:]
        above = trace.SpanContext(
            int.from_bytes(trace_id, "big"),
            int.from_bytes(span_id, "big"),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        return self._span(name, above, KINDS[name])

    def _parent(self, traceparent: str) -> trace.SpanContext:
        """Invalid where the client wrote nonsense."""
        context = self._propagator.extract({"traceparent": traceparent})
        return trace.get_current_span(context).get_span_context()

    def _span(self, name: str, parent: trace.SpanContext, kind: trace.SpanKind, facts: Facts = NO_FACTS) -> OtelSpan:
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        return OtelSpan(self._tracer.start_span(name, context, kind, dict(facts)))


@asynccontextmanager
async def exporting(service: str, sample: float, *, honours_parent: bool) -> AsyncIterator[OtelTracing]:
    """Sends what ends inside, and at its end what was not sent yet, if that takes no longer than FLUSH_SECONDS.

    Raises ValueError where a variable of the SDK's is malformed.
    """
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource(service), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OtelTracing(provider.get_tracer("parley"), sample, honours_parent=honours_parent)
    finally:
        await _shut_down(provider)


async def _shut_down(provider: TracerProvider) -> None:
    """In a thread that nobody waits for longer: the SDK would wait half a minute for a collector that is away."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=shut_down, name="last spans", daemon=True).start()
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await over.wait()
    except TimeoutError:
        log.warning("the last spans were not sent", seconds=FLUSH_SECONDS)


def resource(service: str) -> Resource:
    """Who tells: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and where they say nothing, the service."""
    given = Resource.create()
    if str(given.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return given.merge(Resource({SERVICE_NAME: f"parley-{service}"}))
    return given
