"""The two applications with endpoints of the test's own, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import validate
from prometheus_client import REGISTRY
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from shared.auth import Identity, Profile
from shared.auth.caller import Caller
from shared.http.app import internal_app, public_app
from shared.http.endpoint import Call, Endpoint, Reply, Success
from shared.http.errors import limited, unavailable
from shared.http.health import Health
from shared.http.middleware import Handler
from shared.http.openapi import openapi
from shared.http.origins import Origins
from shared.ids import new_id

Client = TestClient[web.Request, web.Application]
USER = new_id()


class Echo(msgspec.Struct, rename="camel"):
    some_text: str


class Away(Exception):
    pass


class OpenGate:
    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        return None if endpoint.public else Identity(USER, Profile("ann"), None, 0.0, "authenticated")

    async def charge(self, caller: Caller | None, tokens: float) -> None: ...


async def succeed(_: Call[Any, Any]) -> Success:
    return Success()


def endpoint(path: str, handler: Callable[[Call[Any, Any]], Awaitable[Any]], **fields: Any) -> Endpoint:
    return Endpoint(
        **{"method": "GET", "path": path, "handler": handler, "summary": "x", "response": Success, **fields}
    )


@asynccontextmanager
async def serving(*endpoints: Endpoint, raw: dict[str, Handler] | None = None) -> AsyncIterator[Client]:
    app = public_app("test", endpoints, OpenGate(), origins=Origins(()), outages=(Away,), raw=raw)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_call_has_its_user_its_body_and_its_ids_in_lower_case() -> None:
    async def echo(call: Call[Echo, Any]) -> Reply:
        return Reply(201, Echo(f"{call.user_id} {call.ids['id']} {call.body.some_text}"))

    async with serving(endpoint("/a/{id}", echo, method="POST", body=Echo, response=Echo)) as client:
        conversation = new_id()
        answer = await client.post(f"/a/{conversation.upper()}", data=b'{"someText": "hi"}')

        assert answer.status == 201
        assert await answer.json() == {"someText": f"{USER} {conversation} hi"}


async def test_a_sane_request_id_is_kept_and_another_one_replaced() -> None:
    async with serving(endpoint("/a", succeed)) as client:
        for given, kept in (("abc-123", True), ("x" * 65, False), ("a b", False)):
            answer = await client.get("/a", headers={"X-Request-Id": given})
            assert (answer.headers["X-Request-Id"] == given) is kept
            assert answer.headers["X-Request-Id"]


async def test_a_fault_of_ours_is_told_in_no_detail_and_logged_once() -> None:
    async def fail(_: Call[Any, Any]) -> Success:
        raise ValueError("the secret inside")

    async with serving(endpoint("/a", fail)) as client:
        with capture_logs() as logs:
            answer = await client.get("/a")
        text = await answer.text()

    assert answer.status == 500
    assert '"code":"internal"' in text
    assert "secret" not in text
    assert [line["event"] for line in logs] == ["request failed", "request"]


async def test_an_outage_is_answered_with_when_to_come_back() -> None:
    async def fail(_: Call[Any, Any]) -> Success:
        raise Away("postgres")

    async def refuse(_: Call[Any, Any]) -> Success:
        raise limited(2.1)

    async def stop(_: Call[Any, Any]) -> Success:
        raise unavailable()

    async with serving(endpoint("/away", fail), endpoint("/often", refuse), endpoint("/stop", stop)) as client:
        answers = [await client.get(path) for path in ("/away", "/often", "/stop")]

    assert [(answer.status, answer.headers["Retry-After"]) for answer in answers] == [
        (503, "1"),
        (429, "3"),
        (503, "1"),
    ]


async def test_a_request_leaves_one_line_that_names_whom_and_what_but_no_query() -> None:
    conversation = new_id()
    seen: dict[str, Any] = {}

    async def look(_: Call[Any, Any]) -> Success:
        seen.update(get_contextvars())
        return Success()

    async with serving(endpoint("/a/{id}", look)) as client:
        with capture_logs() as logs:
            answer = await client.get(f"/a/{conversation}?token=secret", headers={"X-Request-Id": "r1"})

    assert answer.status == 200
    assert seen == {"request_id": "r1", "user_id": USER, "conversation_id": conversation}
    [line] = logs
    assert (line["event"], line["method"], line["path"], line["status"]) == (
        "request",
        "GET",
        f"/a/{conversation}",
        200,
    )
    assert "secret" not in str(line)


async def test_the_ids_of_one_request_do_not_stick_to_the_next_on_its_connection() -> None:
    seen: list[dict[str, Any]] = []

    async def look(_: Call[Any, Any]) -> Success:
        seen.append(get_contextvars())
        return Success()

    async with serving(endpoint("/a/{id}", look), endpoint("/open", look, public=True)) as client:
        await (await client.get(f"/a/{new_id()}")).read()
        await (await client.get("/open")).read()

    assert set(seen[1]) == {"request_id"}


async def test_health_checks_are_quiet_and_labels_are_few() -> None:
    async with serving(endpoint("/health", succeed), endpoint("/a/{id}", succeed)) as client:
        with capture_logs() as logs:
            await client.get("/health")
        for method in ("GET", "TRACE", "PROPFIND"):
            for _ in range(3):
                await client.request(method, f"/a/{new_id()}")
                await client.request(method, f"/{new_id()}")

    assert [line["log_level"] for line in logs] == ["debug"]
    seen = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for metric in REGISTRY.collect()
        if metric.name == "parley_http_request_seconds"
        for sample in metric.samples
        if sample.name.endswith("_count") and sample.labels["service"] == "test"
    }
    assert {("GET", "/a/{id}", "200"), ("OTHER", "unmatched", "405"), ("OTHER", "unmatched", "404")} <= seen
    assert {method for method, _, _ in seen} <= {"GET", "POST", "OTHER", "OPTIONS", "HEAD"}


async def test_get_answers_head_as_well() -> None:
    async with serving(endpoint("/a", succeed)) as client:
        answer = await client.head("/a")
        assert answer.status == 200
        assert await answer.read() == b""


async def test_a_raw_route_speaks_for_itself() -> None:
    async def upgrade(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        await socket.close()
        return socket

    async with serving(raw={"/socket": upgrade}) as client:
        with capture_logs() as logs:
            async with client.ws_connect("/socket?token=secret") as socket:
                assert await socket.receive_str() == "hello"

    assert logs == []


async def test_a_body_is_bounded_by_its_endpoint_with_and_without_a_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1000

    small = endpoint("/a", succeed, method="POST", body=Echo, max_body_bytes=10_000)
    async with serving(small) as client:
        announced = await client.post("/a", data=b"x" * 10_001)
        chunked = await client.post("/a", data=pieces())

        assert (announced.status, chunked.status) == (413, 413)
        assert (await announced.json())["code"] == "too_large"


async def test_the_internal_port_says_what_it_misses_and_lives_all_the_same() -> None:
    parts = {"postgres": ""}

    async def ready() -> dict[str, str]:
        return parts

    app = internal_app("test", [endpoint("/internal/a", succeed)], token="t", ready=ready)
    async with TestClient(TestServer(app)) as client:
        there = await client.get("/ready")
        parts["postgres"] = "full"
        away = await client.get("/ready")
        live = await client.get("/live")
        metrics = await client.get("/metrics")
        without = await client.get("/internal/a")
        within = await client.get("/internal/a", headers={"Authorization": "Bearer t"})

        assert (there.status, away.status, live.status, without.status, within.status) == (200, 503, 200, 401, 200)
        told = await away.json()
        assert (told["parts"], told["away"], told["reasons"]) == (
            {"postgres": False},
            ["postgres"],
            {"postgres": "full"},
        )
        assert "# TYPE parley_http_request_seconds histogram" in await metrics.text()


async def test_without_a_service_token_nobody_is_a_service() -> None:
    async def ready() -> dict[str, str]:
        return {}

    app = internal_app("test", [endpoint("/internal/a", succeed)], token="", ready=ready)
    async with TestClient(TestServer(app)) as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
            answer = await client.get("/internal/a", headers=headers)
            assert answer.status == 401


async def test_health_asks_each_part_once_a_second_and_waits_for_none_longer() -> None:
    asked = 0

    async def slow() -> None:
        await asyncio.sleep(60)

    async def quick() -> None:
        nonlocal asked
        asked += 1

    health = Health("persistence", vital={"postgres": quick}, helpful={"redis": slow})
    found = await asyncio.gather(*(health.parts() for _ in range(20)))

    assert found == [{"postgres": "", "redis": "no answer in time"}] * 20
    assert asked == 1
    assert await health.vital_parts() == {"postgres": ""}


@pytest.mark.parametrize("public", [True, False])
def test_any_endpoint_makes_a_valid_document(public: bool) -> None:
    one = endpoint("/a/{id}/b", succeed, method="POST", body=Echo, query=Echo, public=public, errors=(403, 404, 409))

    document = openapi([one])

    validate(document)
    operation = document["paths"]["/a/{id}/b"]["post"]
    assert ("security" in operation) is public
    assert {one["name"] for one in operation["parameters"]} == {"id", "someText"}
    expected = {"200", "400", "403", "404", "408", "409", "413", "429", "431", "503"} | (set() if public else {"401"})
    assert set(operation["responses"]) == expected


async def test_a_path_of_words_is_not_read_as_an_id_for_a_method_that_it_does_not_take() -> None:
    by_id = endpoint("/a/{id}", succeed, method="PATCH")
    async with serving(by_id, endpoint("/a/status", succeed, method="POST")) as client:
        answers = [await client.request(method, "/a/status") for method in ("POST", "PATCH", "OPTIONS")]
        assert [answer.status for answer in answers] == [200, 405, 405]
        assert [answer.headers.get("Allow") for answer in answers[1:]] == ["POST", "POST"]
        assert (await client.patch(f"/a/{new_id()}")).status == 200
        assert (await client.patch("/a/other")).status == 400
