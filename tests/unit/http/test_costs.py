"""Whoever adds a route or a frame says what it costs its caller: this finds the one that does not."""

from typing import Any, get_args
from unittest.mock import MagicMock

import msgspec
import pytest

from gateway.endpoints import endpoints as gateway_endpoints
from gateway.session.commands import Command
from persistence import app
from shared.http.cost import BYTES_PER_TOKEN, Cost, body_tokens
from shared.http.endpoint import Endpoint
from shared.http.health import Health

ROUTES: list[Endpoint] = [
    *app.endpoints(MagicMock()),
    *gateway_endpoints(MagicMock(), with_health=True),
    Health("persistence", vital={}).endpoint(),
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_says_what_it_costs(route: Endpoint) -> None:
    assert isinstance(route.cost, Cost), "give the Endpoint its `cost`: FLAT, or a size and how much of it is a token"


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: str(kind.__struct_config__.tag))
def test_every_frame_says_what_it_costs(kind: Any) -> None:
    assert vars(kind).get("tokens", 0) >= 1, "give the frame its `tokens`"


def _cost(method: str, path: str, **given: Any) -> float:
    [route] = [one for one in ROUTES if (one.method, one.path) == (method, path)]
    assert route.cost is not None
    body = msgspec.convert(given["body"], route.body) if "body" in given else None
    query = msgspec.convert(given.get("query", {}), route.query, strict=False)
    return 1 + route.cost.extra(body, query)


def _ids(count: int) -> list[str]:
    return [f"00000000-0000-4000-8000-{number:012}" for number in range(count)]


def test_a_large_request_costs_by_its_size_and_an_ordinary_one_a_token() -> None:
    new = "/api/conversations"
    assert _cost("POST", new, body={"participantIds": _ids(1)}) == 1
    assert _cost("POST", new, body={"participantIds": _ids(1000)}) == 101
    assert _cost("GET", new) == 1
    assert _cost("GET", new, query={"limit": "10000"}) == 2
    assert _cost("POST", "/api/sync", body={"conversations": {}}) == 1
    assert _cost("POST", "/api/sync", body={"conversations": dict.fromkeys(_ids(20_000), 1)}) == 201
    assert _cost("GET", "/api/presence", query={"userIds": ",".join(_ids(200))}) == 4


def test_a_body_costs_by_the_length_it_announces_and_one_that_announces_none_by_the_longest() -> None:
    assert body_tokens(1000, 64 * 1024) == 0
    assert body_tokens(4 * BYTES_PER_TOKEN, 64 * 1024) == 4
    assert body_tokens(None, 1024 * 1024) == 128
