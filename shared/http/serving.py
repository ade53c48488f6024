"""Serves endpoints on an aiohttp application: each becomes one handler that admits, decodes, calls and encodes."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Protocol

from aiohttp import web
from structlog.contextvars import bind_contextvars

from shared.auth import Identity
from shared.auth.caller import Caller
from shared.http.answers import ALWAYS, answer, read_body
from shared.http.cost import FLAT
from shared.http.decoding import BodyDecoder, QueryDecoder
from shared.http.endpoint import Call, Endpoint, Nothing, PathText, Reply
from shared.http.errors import malformed
from shared.ids import canonical_id

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate(Protocol):
    async def admit(self, request: web.Request, endpoint: Endpoint) -> Caller | None:
        """Who asks; None where the endpoint does not care. Raises ApiError for who may not."""

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Takes more tokens, for what only the decoded request shows. Raises ApiError 429."""


def mount(app: web.Application, endpoints: Iterable[Endpoint], gate: Gate) -> None:
    """Adds a route for each endpoint. One that answers GET answers HEAD as well.

    A path of words comes before a path of ids that matches it: `PATCH …/messages/status` is 405, no message "status".
    """
    endpoints = list(endpoints)
    misread = {one.path: one for one in endpoints if any(_covers(other.path, one.path) for other in endpoints)}
    for endpoint in sorted(endpoints, key=lambda one: one.path not in misread):
        handler = _handler(endpoint, gate)
        if endpoint.method == "GET":
            app.router.add_get(endpoint.path, handler)
        else:
            app.router.add_route(endpoint.method, endpoint.path, handler)
        if _is_last(endpoint, endpoints) and endpoint.path in misread:
            app.router.add_route("*", endpoint.path, _not_allowed(endpoint, gate, endpoints))


def _is_last(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> bool:
    """Of those of its path."""
    return endpoint is [one for one in endpoints if one.path == endpoint.path][-1]


def _covers(wide: str, narrow: str) -> bool:
    """Whether each segment of the one is a parameter or the segment of the other, which is another path."""
    if wide == narrow:
        return False
    pairs = list(zip_longest(wide.split("/"), narrow.split("/"), fillvalue=""))
    return all(one == other or (one.startswith("{") and other) for one, other in pairs)


def _not_allowed(endpoint: Endpoint, gate: Gate, endpoints: Sequence[Endpoint]) -> Handler:
    allowed = sorted({one.method for one in endpoints if one.path == endpoint.path})

    async def refuse(request: web.Request) -> web.StreamResponse:
        await gate.admit(request, endpoint)
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


def _handler(endpoint: Endpoint, gate: Gate) -> Handler:
    """All that can be prepared once is prepared here, not at each request."""
    read_query = _query_reader(endpoint)
    read_json = _json_reader(endpoint)
    parameters, texts = endpoint.parameters, endpoint.texts
    call_endpoint = endpoint.handler
    usual_status = endpoint.statuses[0]
    cost = endpoint.cost or FLAT
    always = endpoint.always

    async def handle(request: web.Request) -> web.StreamResponse:
        if always:
            request[ALWAYS] = always
        caller = await gate.admit(request, endpoint)
        ids = _ids(request, parameters, texts)
        if isinstance(caller, Identity):
            bind_contextvars(user_id=caller.user_id)
        body, query = await read_json(request), read_query(request)
        more = cost.extra(body, query)
        if more:
            await gate.charge(caller, more)
        given = await call_endpoint(Call(request, caller, body, query, ids))
        if isinstance(given, Reply):
            return answer(given.body, given.status, given.headers)
        if isinstance(given, web.StreamResponse):
            return given
        return answer(given, usual_status)

    return handle


def _ids(request: web.Request, names: list[str], texts: Mapping[str, PathText]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for name in names:
        if name in texts:
            ids[name] = texts[name].read(request.match_info[name])
            continue
        known = canonical_id(request.match_info[name])
        if known is None:
            raise malformed(name, "expected a UUID")
        ids[name] = known
    if "id" in ids:
        bind_contextvars(conversation_id=ids["id"])
    return ids


def _query_reader(endpoint: Endpoint) -> Callable[[web.Request], Any]:
    if endpoint.query is Nothing:
        nothing = Nothing()
        return lambda _: nothing
    decode = QueryDecoder(endpoint.query).decode
    return lambda request: decode(request.query.items())


def _json_reader(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[Any]]:
    nothing = Nothing()
    decoder: BodyDecoder[Any] = BodyDecoder(endpoint.body, endpoint.max_body_bytes)

    async def read_nothing(_: web.Request) -> Any:
        return nothing

    async def read(request: web.Request) -> Any:
        if endpoint.body_optional and not request.can_read_body:
            return decoder.decode(b"{}")
        return decoder.decode(await read_body(request, decoder.max_bytes))

    return read_nothing if endpoint.body is Nothing else read
