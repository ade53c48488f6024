"""The OpenAPI 3.1 document, made from the same types that decode requests and encode answers."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from shared.http.endpoint import Endpoint, Nothing
from shared.http.errors import ErrorBody
from shared.http.fields import Id
from shared.version import VERSION

_REFERENCE = "#/components/schemas/{name}"
EXTRA_SCHEMA = "EXTRA_SCHEMA"
"""The name of a body's, query's or answer's class variable: what its schema says besides its fields."""
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_BYTES = {"type": "string", "format": "binary"}
_DESCRIPTION = """\
Conversations, messages, presence and push registration of a Parley server. Live events come over the WebSocket at
`/messages/subscribe`.

Send `Authorization: Bearer` and the user's JWT. Ids are UUIDs, times ISO 8601 in UTC with milliseconds. A request that
fails gets `error` (a sentence), `code` (a word) and, where one is at fault, `field`."""

_SERVER_DESCRIPTION = """\
What an app's own server may do on a Parley server: users, conversations, messages, keys and webhooks.

Send `Authorization: Bearer` and a server key that has the operation's scope; each scope includes its `:read`. Never
from a browser: a request with an `Origin` is refused. Ids are UUIDs, times ISO 8601 in UTC with milliseconds. A request
that fails gets `error` (a sentence), `code` (a word) and, where one is at fault, `field`."""


class About(NamedTuple):
    """What a document says of itself."""

    title: str
    description: str
    credential: str


FOR_APPS = About("Parley", _DESCRIPTION, "JWT")
SERVER_API = About("Parley for servers", _SERVER_DESCRIPTION, "parley_sk")

_ERROR_WORDS = {
    400: "Malformed: `field` names what is at fault.",
    401: "The token is missing, expired or not valid here.",
    403: "Not a participant, or no such conversation: the two look alike. Or the role, or the key's scope, is missing.",
    404: "There is no such thing.",
    410: "It has ended.",
    412: "The version of a protocol is not one that is spoken here.",
    415: "The body is of another type than is taken here.",
    416: "There is no such part of it.",
    423: "Another request has it.",
    408: "The body came too slowly.",
    409: "It conflicts with what is there.",
    413: "The body is too large.",
    422: "Refused by a check of the operator's own.",
    429: "Too many requests.",
    431: "The token, the request line or a header is too large.",
    503: "A part of the service is away for the moment.",
}


def openapi(endpoints: Sequence[Endpoint], *, about: About = FOR_APPS) -> dict[str, Any]:
    """The document, ready for JSON. A shape may say in `json_schema` what its fields' types do not: of several."""
    shapes = _shapes(endpoints)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REFERENCE)
    by_shape = dict(zip(shapes, schemas, strict=True))
    for shape in shapes:
        components[_name(by_shape[shape])].update(getattr(shape, EXTRA_SCHEMA, {}))
    queries = {endpoint.query for endpoint in endpoints} - {Nothing}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": VERSION, "description": about.description},
        # Relative to where the document came from: right behind any load balancer.
        "servers": [{"url": "/", "description": "The server that this document came from"}],
        "paths": {},
        "components": {
            "schemas": dict(components),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": about.credential}},
        },
        "security": [{"token": []}],
    }
    for endpoint in endpoints:
        operations = document["paths"].setdefault(endpoint.path, {})
        operations[endpoint.method.lower()] = _operation(endpoint, by_shape, components)
    for shape in shapes:
        document["components"]["schemas"][shape.__name__].update(getattr(shape, "json_schema", {}))
    for schema in document["components"]["schemas"].values():
        _forget_null_defaults(schema)
    for query in queries:
        document["components"]["schemas"].pop(_name(by_shape[query]))
    return document


def _forget_null_defaults(schema: dict[str, Any]) -> None:
    """Absent is as good as null, and generators take whatever has a default for required."""
    for one in schema.get("properties", {}).values():
        if "default" in one and one["default"] is None:
            del one["default"]


def _shapes(endpoints: Iterable[Endpoint]) -> list[type[msgspec.Struct]]:
    shapes: dict[type[msgspec.Struct], None] = {ErrorBody: None}
    for endpoint in endpoints:
        for shape in (endpoint.body, endpoint.query, endpoint.response):
            if shape is not Nothing:
                shapes[shape] = None
    return list(shapes)


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[1]


def _operation(endpoint: Endpoint, by_shape: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag] if endpoint.tag else [],
        "parameters": _parameters(endpoint, by_shape, components),
        "responses": _responses(endpoint, by_shape),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.scope:
        operation["x-scope"] = endpoint.scope
    if endpoint.public:
        operation["security"] = []
    if endpoint.body is not Nothing:
        operation["requestBody"] = {"required": not endpoint.body_optional, "content": _json(by_shape[endpoint.body])}
    if endpoint.consumes:
        operation["requestBody"] = {"required": True, "content": {endpoint.consumes: {"schema": _BYTES}}}
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    if endpoint.name:
        return endpoint.name
    words = [word.strip("{}") for word in endpoint.path.replace("-", "/").split("/") if word not in ("", "api")]
    return "_".join([endpoint.method.lower(), *words])


def _parameters(endpoint: Endpoint, by_shape: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    id_schema = msgspec.json.schema(Id)
    texts = {name: text.schema for name, text in endpoint.texts.items()}
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": texts.get(name, id_schema)}
        for name in endpoint.parameters
    ]
    in_path += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in endpoint.headers
    ]
    if endpoint.query is Nothing:
        return in_path
    shape = components[_name(by_shape[endpoint.query])]
    return in_path + [
        _in_query(name, schema, required=name in shape.get("required", ()))
        for name, schema in shape["properties"].items()
    ]


def _in_query(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": required, "schema": dict(schema)}
    description = parameter["schema"].pop("description", None)
    return parameter if description is None else {**parameter, "description": description}


def _responses(endpoint: Endpoint, by_shape: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, **_content(endpoint, by_shape, status)}
        for status in endpoint.statuses
    }
    for status in sorted(_error_statuses(endpoint) - set(endpoint.statuses)):
        responses[str(status)] = {"description": _ERROR_WORDS[status], "content": _json(by_shape[ErrorBody])}
        if status in (429, 503):
            responses[str(status)]["headers"] = _RETRY_AFTER
    return responses


def _content(endpoint: Endpoint, by_shape: dict[Any, Any], status: int) -> dict[str, Any]:
    shape = {} if endpoint.response is Nothing else _json(by_shape[endpoint.response])
    has_bytes = endpoint.produces and status in (200, 206)
    content = {**shape, endpoint.produces: {"schema": _BYTES}} if has_bytes else shape
    return {"content": content} if content else {}


def _error_statuses(endpoint: Endpoint) -> set[int]:
    statuses = {*endpoint.errors, 429, 431, 503}
    if endpoint.parameters or endpoint.query is not Nothing or endpoint.body is not Nothing:
        statuses.add(400)
    if endpoint.body is not Nothing:
        statuses.update((408, 413))
    if not endpoint.public:
        statuses.add(401)
    if endpoint.scope or endpoint.role:
        statuses.add(403)
    return statuses


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
