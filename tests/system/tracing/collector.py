"""An OpenTelemetry collector, as far as a test needs one: takes OTLP over HTTP and keeps the spans."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from services.embedded.ports import free_port
from services.listening import listening
from tests.support.waiting import eventually

Fact = str | int


class Told(NamedTuple):
    """A span that arrived. Ids are bytes; `parent` is empty at the root of a trace."""

    service: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes
    nanoseconds: int
    failed: bool
    facts: dict[str, Fact]


class Collector:
    """`spans` in the order of arrival; `calls` counts requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Told] = []
        self.calls = 0

    def named(self, name: str, trace: bytes | None = None) -> list[Told]:
        return [one for one in self.spans if one.name == name and trace in (None, one.trace)]

    async def wait_for(self, name: str, *, trace: bytes | None = None, count: int = 1) -> list[Told]:
        """The spans of this name, once there are so many."""
        await eventually(lambda: len(self.named(name, trace)) >= count, 20)
        return self.named(name, trace)

    async def take(self, request: web.Request) -> web.Response:
        self.calls += 1
        given = ExportTraceServiceRequest.FromString(await request.read())
        for resource in given.resource_spans:
            service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            self.spans += [_told(service, span) for scope in resource.scope_spans for span in scope.spans]
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    made = Collector(f"http://127.0.0.1:{free_port()}")
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    async with listening(app, "127.0.0.1", int(made.url.rsplit(":", 1)[1])):
        yield made


def _told(service: str, span: SpanMessage) -> Told:
    return Told(
        service,
        span.name,
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.end_time_unix_nano - span.start_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        {one.key: one.value.string_value or one.value.int_value for one in span.attributes},
    )
