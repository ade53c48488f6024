"""A route as data: what it takes, what it gives, what it promises. Serving and documentation both read this."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from aiohttp import web
from structlog.contextvars import get_contextvars

from shared.auth import Identity
from shared.auth.caller import Actor, Caller, KeyHolder, actor_of
from shared.http.cost import Cost

MAX_BODY_BYTES = 64 * 1024

B = TypeVar("B")
Q = TypeVar("Q")


class Nothing(msgspec.Struct):
    """The shape of a body, or of a query, that a route does not take."""


class Success(msgspec.Struct):
    """It was done."""

    success: bool = True


class NothingNew(Success):
    """It was so already, and nothing changed. The answer is the same."""


@dataclass(slots=True)
class Call(Generic[B, Q]):
    """One request to an endpoint: who asks, and what, already checked to be of the endpoint's shapes."""

    request: web.Request
    caller: Caller | None
    body: B
    query: Q
    ids: Mapping[str, str]
    """The path's parameters: UUIDs in lower case, others as their `PathText` gives them."""

    @property
    def identity(self) -> Identity:
        """The user who asks. Only endpoints for users may ask for it."""
        assert isinstance(self.caller, Identity), "an endpoint that is public, or for keys, has no user"
        return self.caller

    @property
    def actor(self) -> Actor:
        """Who asks, as the audit log names them. Only endpoints that are not public may ask for it."""
        assert self.caller is not None, "a public endpoint has no caller"
        return actor_of(self.caller)

    def may(self, scope: str) -> bool:
        """Whether the caller's key has this scope too. A user whom the gate let in may."""
        return not isinstance(self.caller, KeyHolder) or self.caller.may(scope)

    @property
    def request_id(self) -> str | None:
        """As the log has it."""
        return get_contextvars().get("request_id")

    @property
    def user_id(self) -> str:
        return self.identity.user_id


@dataclass(slots=True)
class Reply:
    """An answer with another status than the endpoint's first one, or with headers."""

    status: int
    body: msgspec.Struct
    headers: Mapping[str, str] | None = None


class PathText(NamedTuple):
    """A path's parameter that is no UUID: `read` gives its value or raises ApiError 400; `schema` is for OpenAPI."""

    read: Callable[[str], str]
    schema: dict[str, Any]


Handler = Callable[[Call[Any, Any]], Awaitable[msgspec.Struct | Reply | web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """`statuses` are those of success, the usual one first; each has the shape `response`, as has `degraded`.

    `path` names its parameters in braces: each is a UUID, unless `texts` has its name; else the request is answered
    400. `errors` adds to the statuses that follow from the rest (400, 401, 408, 413, 429, 431, 503). A public
    endpoint asks for no token, and counts against its caller's address; `is_health` says that it does so apart from
    all others. `cost` is what a request takes from its user's bucket: every route says so, and a test finds the one
    that does not. `name` is what a client made from the OpenAPI document calls it; without one it is made from
    method and path.

    `role` (`moderator`, `admin`) lets in only users who have it, an admin wherever a moderator may. `scope` lets in
    only server keys that have it (`users`, or `users:read` for what changes nothing), and an admin where `admins`.
    method and path. With `body_optional` no body counts as an empty object. A handler that gives a response of its own
    (bytes, and no JSON) reads the request's body itself, if the endpoint has no `body`; `produces` and `consumes` are
    then the media types of the two, for OpenAPI, and `headers` what of the request's it heeds. Each answer carries
    what `always` names, refusals too.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    response: type[msgspec.Struct]
    name: str = ""
    description: str = ""
    tag: str = ""
    body: type[msgspec.Struct] = Nothing
    query: type[msgspec.Struct] = Nothing
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    public: bool = False
    is_health: bool = False
    role: str = ""
    scope: str = ""
    admins: bool = False
    cost: Cost | None = None
    body_optional: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    texts: Mapping[str, PathText] = field(default_factory=dict)
    produces: str = ""
    consumes: str = ""
    headers: tuple[str, ...] = ()
    always: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
