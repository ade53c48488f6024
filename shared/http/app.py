"""The two applications of a process: the public one for apps, the internal one for operators and other services."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

import msgspec
from aiohttp import web

from shared import metrics
from shared.http.answers import answer
from shared.http.docs import mount_docs
from shared.http.endpoint import Endpoint
from shared.http.gate import ServiceGate
from shared.http.health import Parts
from shared.http.middleware import Guard, Handler, Middleware, Outages
from shared.http.openapi import SERVER_API, openapi
from shared.http.origins import Origins
from shared.http.serving import Gate, mount
from shared.http.strangers import Strangers
from shared.tracing import Tracing

INTERNAL_BODY_BYTES = 8 * 1024 * 1024
"""Of the internal routes: a thousand look-ups, with their texts, at once."""

Readiness = Callable[[], Awaitable[Parts]]
"""Each part that this process cannot serve without, and why it cannot be worked with."""


class Live(msgspec.Struct):
    live: bool = True


class Ready(msgspec.Struct, rename="camel", omit_defaults=True):
    """`away` names the parts that are missing, `reasons` says why."""

    ready: bool
    parts: dict[str, bool]
    away: list[str] = []
    reasons: dict[str, str] = {}


def public_app(
    service: str,
    endpoints: Iterable[Endpoint],
    gate: Gate,
    *,
    origins: Origins,
    outages: Outages = (),
    raw: Mapping[str, Handler] | None = None,
    docs: bool = True,
    tracing: Tracing | None = None,
    strangers: Strangers | None = None,
    counting: Collection[str] = (),
) -> web.Application:
    """What apps reach. `raw` are GET routes that speak for themselves, such as the WebSocket's: the handler gets the
    bare request. With `docs` it serves `/docs` and `/openapi.json` about its endpoints. `strangers` counts what no
    gate counts, without it nobody does; `counting` are raw routes that do it themselves, by `request[STRANGERS]`.
    """
    served = list(endpoints)
    largest = max((endpoint.max_body_bytes for endpoint in served), default=0)
    by_gate = {endpoint.path for endpoint in served}
    guard = Guard(strangers or Strangers.uncounted(), frozenset(by_gate.union(counting)))
    middleware = Middleware(service, origins=origins, outages=outages, raw=raw or (), tracing=tracing, guard=guard)
    app = _app(middleware, largest)
    mount(app, served, gate)
    for path, handler in (raw or {}).items():
        app.router.add_get(path, handler, allow_head=False)
    if docs:
        _document(app, served)
    return app


def internal_app(
    service: str,
    endpoints: Iterable[Endpoint],
    *,
    token: str,
    ready: Readiness,
    outages: Outages = (),
) -> web.Application:
    """`/metrics`, `/live`, `/ready`, and endpoints that want SERVICE_TOKEN. Liveness depends on nothing at all."""
    app = _app(Middleware(service, origins=Origins(()), outages=outages), INTERNAL_BODY_BYTES)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/live", _live)
    app.router.add_get("/ready", _readiness(ready))
    gate = ServiceGate(token)
    mount(app, endpoints, gate)
    # Also what is not there wants the token: a stranger learns nothing of what is.
    app.router.add_route("*", "/internal/{rest:.*}", _unknown(gate))
    return app


def _document(app: web.Application, served: Sequence[Endpoint]) -> None:
    """What is for users, and what is for the app's own server, each in a document of its own."""
    for_server = [endpoint for endpoint in served if endpoint.scope]
    mount_docs(app, openapi([endpoint for endpoint in served if not endpoint.scope]))
    if for_server:
        mount_docs(app, openapi(for_server, about=SERVER_API), below="/server")


def _unknown(gate: ServiceGate) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        gate.check(request)
        raise web.HTTPNotFound

    return refuse


def _app(middleware: Middleware, largest_body: int) -> web.Application:
    return web.Application(middlewares=[middleware.middleware], client_max_size=largest_body)


async def _metrics(_: web.Request) -> web.StreamResponse:
    return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _live(_: web.Request) -> web.StreamResponse:
    return answer(Live())


def _readiness(ready: Readiness) -> Handler:
    async def answer_readiness(_: web.Request) -> web.StreamResponse:
        parts = await ready()
        reasons = {name: trouble for name, trouble in parts.items() if trouble}
        there = {name: not trouble for name, trouble in parts.items()}
        return answer(Ready(not reasons, there, list(reasons), reasons), 503 if reasons else 200)

    return answer_readiness
