"""One trace from the request to the socket write, in real processes that tell a collector of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.embedded.ports import free_port
from shared import keys
from shared.checkpoints import COMMITTED
from shared.ids import new_id
from shared.redis import open_redis
from shared.wire import Kind, unpack
from tests.support.fleet import Fleet, fleet
from tests.support.person import Person
from tests.support.waiting import eventually
from tests.system.tracing.collector import Collector, collector

SEND = "POST /api/conversations/{id}/messages"
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
PARENT = bytes.fromhex("b7ad6b7169203331")


def traceparent(flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE.hex()}-{PARENT.hex()}-{flags}"}


def person(running: Fleet, http: aiohttp.ClientSession, handle: str, *, gateway: int = 1) -> Person:
    user_id, store = new_id(), running.processes["persistence-1"]
    token = running.token(user_id, handle)
    return Person(http, store.url, token, socket=running.processes[f"gateway-{gateway}"].url, user_id=user_id)


async def with_phone(somebody: Person) -> Person:
    """One who can be pushed to: nothing is asked or traced of a push for who has no device."""
    await somebody.call("POST", "/notifications/register-token", {"token": f"ExponentPushToken[{somebody.id}]"})
    return somebody


@pytest.fixture
async def told() -> AsyncIterator[Collector]:
    async with collector() as made:
        yield made


@pytest.fixture
def servers(database_url: str, redis_url: str, logs: Path) -> tuple[Path, str, str]:
    return logs, database_url, redis_url


def exporting(url: str, **settings: str) -> dict[str, Any]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50", **settings}


async def test_a_trace_goes_from_the_request_over_redis_to_the_sockets_of_every_gateway_and_to_the_pusher(
    servers: tuple[Path, str, str], http: aiohttp.ClientSession, told: Collector
) -> None:
    settings = exporting(told.url, TRACE_SAMPLE="1", EXPO_PUSH_URL="http://127.0.0.1:1")
    async with fleet(*servers, gateways=2, pushers=1, **settings) as running:
        ada, bob = person(running, http, "ada", gateway=1), person(running, http, "bob", gateway=2)
        cleo = await with_phone(person(running, http, "cleo"))
        room = await ada.converse(bob, cleo)
        async with ada.phone(), bob.phone() as phone, bob.phone():
            path = f"/api/conversations/{room}/messages"
            status, _ = await ada.call("POST", path, {"text": "Hello Bob"}, traceparent())
            assert status == 201
            await phone.frame("message.new", text="Hello Bob")
            delivered = await told.wait_for("deliver", count=2)
            [push] = await told.wait_for("push")

    [request], [commit], [publish] = told.named(SEND), told.named("commit"), told.named("publish")
    assert {one.trace for one in (request, commit, publish, push, *delivered)} == {request.trace}
    assert request.trace != TRACE, "a client's traceparent counts only where the deployment says so"
    assert request.parent == b""
    assert request.facts["http.response.status_code"] == 201
    assert (commit.parent, publish.parent) == (request.id, request.id)
    assert [one.parent for one in (push, *delivered)] == [publish.id] * 3
    assert (push.service, push.facts["parley.users"]) == ("parley-pusher", 1), "of who was offline: cleo"
    assert {one.service for one in (request, commit, publish)} == {"parley-persistence"}
    assert {one.service for one in delivered} == {"parley-gateway"}
    assert {(one.facts["parley.conversation_id"], one.facts["parley.seq"]) for one in delivered} == {(room, 1)}
    assert sorted(one.facts["parley.sockets"] for one in delivered) == [1, 2]
    assert not any(one.failed for one in told.spans)
    assert request.trace.hex() in running.processes["persistence-1"].log(), "log lines name the trace"
    assert b"Hello Bob" not in str(told.spans).encode()
    assert ada.token not in str(told.spans)


async def test_where_clients_decide_only_what_they_mark_is_traced_and_nothing_else_changes_in_redis(
    servers: tuple[Path, str, str], http: aiohttp.ClientSession, told: Collector
) -> None:
    async with fleet(*servers, **exporting(told.url, TRACE_PARENT="honour")) as running:
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob)
        path = f"/api/conversations/{room}/messages"
        async with bob.phone() as phone, open_redis(servers[2]) as redis, redis.pubsub() as channel:
            await channel.ssubscribe(keys.room(room))
            for headers in ({}, traceparent("00"), {"traceparent": "nonsense"}, traceparent()):
                await ada.call("POST", path, {"text": "Hello Bob"}, headers)
            await phone.frame("message.new", seq=4)
            [delivered] = await told.wait_for("deliver")
            seen: list[tuple[int, int]] = []
            while len(seen) < 5:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=10)
                if message is not None:
                    envelope = unpack(message["data"])
                    assert envelope is not None
                    seen.append((envelope.kind, envelope.seq))

    assert seen == [
        *((Kind.DURABLE, seq) for seq in (1, 2, 3)),
        (Kind.SPAN, 4),
        (Kind.DURABLE, 4),
    ]
    [request] = told.named(SEND)
    assert (request.trace, request.parent) == (TRACE, PARENT)
    assert delivered.trace == TRACE


async def test_the_relay_goes_on_with_the_trace_of_a_process_that_died_between_commit_and_publication(
    servers: tuple[Path, str, str], http: aiohttp.ClientSession, told: Collector
) -> None:
    settings = exporting(told.url, TRACE_PARENT="honour", EXPO_PUSH_URL="http://127.0.0.1:1")
    async with fleet(*servers, pushers=1, **settings) as running:
        # A gateway that starts beside persistence checks its rooms again a second later, and might fetch the message
        # before the relay brings it: one that starts behind it does so at once.
        await running.processes["gateway-1"].stop()
        await running.processes["gateway-1"].start()
        doomed = running.add("persistence", DOOMED_AT=COMMITTED)
        await doomed.start()
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob, await with_phone(person(running, http, "cleo")))
        last_words = Person(http, doomed.url, ada.token, user_id=ada.id)
        async with bob.phone() as phone:
            path = f"/api/conversations/{room}/messages"
            with pytest.raises(aiohttp.ClientError):
                await last_words.call("POST", path, {"text": "Did you get this?"}, traceparent())
            assert await doomed.ended() != 0
            await phone.frame("message.new", text="Did you get this?")
            [delivered] = await told.wait_for("deliver", trace=TRACE)
            [relayed] = await told.wait_for("relay", trace=TRACE)
            [push] = await told.wait_for("push", trace=TRACE)

    assert delivered.parent == push.parent == relayed.id
    assert relayed.parent not in (b"", PARENT), "below the span of the request, of which nobody could tell any more"


async def test_without_the_extra_everything_works_and_nobody_is_told_unless_tracing_is_asked_for(
    servers: tuple[Path, str, str], http: aiohttp.ClientSession, told: Collector, tmp_path: Path
) -> None:
    (tmp_path / "opentelemetry").mkdir()
    raises = "raise ModuleNotFoundError(\"No module named 'opentelemetry'\", name='opentelemetry')"
    (tmp_path / "opentelemetry" / "__init__.py").write_text(raises)
    settings = exporting(told.url, PYTHONPATH=str(tmp_path))
    async with fleet(*servers, **settings) as running:
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob)
        async with bob.phone() as phone:
            status, _ = await ada.call(
                "POST", f"/api/conversations/{room}/messages", {"text": "Hello Bob"}, traceparent()
            )
            assert status == 201
            await phone.frame("message.new", text="Hello Bob")
        for kind in ("gateway", "persistence", "pusher"):
            asked = running.add(kind, PERSISTENCE_URL="http://127.0.0.1:1", TRACE_SAMPLE="0.1")
            asked.spawn()
            assert await asked.ended() == 2
            [line] = asked.log().strip().splitlines()
            assert line.startswith("parley: TRACE_SAMPLE")
            assert "requirements/tracing.txt" in line
    assert told.calls == 0


async def test_a_collector_that_is_away_holds_up_nothing(
    servers: tuple[Path, str, str], http: aiohttp.ClientSession
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with fleet(*servers, **exporting(nobody, TRACE_SAMPLE="1")) as running:
        ada, bob = person(running, http, "ada"), person(running, http, "bob")
        room = await ada.converse(bob)
        async with bob.phone() as phone:
            await ada.send(room, "Hello Bob")
            await phone.frame("message.new", text="Hello Bob")
            store = running.processes["persistence-1"]
            await eventually(lambda: "opentelemetry" in store.log())
        assert await store.stop(15) == 0
    assert "Traceback" not in store.log()
