"""What operators do and see: bans, revocations, metrics, health, another line of history with nobody connected."""

import asyncpg
import msgspec
import pytest
from prometheus_client import generate_latest

from shared import keys
from shared.ids import new_id
from shared.redis import open_redis
from shared.wire import Kind, Revocation, pack
from tests.integration.gateway.world import OwnSite, World
from tests.support.waiting import eventually


async def publish(parley: World, user_id: str, kind: Kind, payload: bytes = b"") -> None:
    redis = open_redis(parley.redis_url)
    await redis.execute_command("SPUBLISH", keys.user(user_id), pack(kind, payload))
    await redis.aclose()


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (Kind.BANNED, b"", 4502),
        (Kind.KICKED, b"", 1012),
        (Kind.REVOKED, msgspec.json.encode(Revocation()), 4503),
    ],
)
async def test_a_user_is_closed_on_every_device(
    parley: World, site: OwnSite, kind: Kind, payload: bytes, code: int
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    phones, other = [await site.connect(ann), await site.connect(ann)], await site.connect(ben)
    await publish(parley, ann.id, kind, payload)
    for phone in phones:
        assert await phone.closed() == code
    assert (await other.ask("ping"))["type"] == "pong"


async def test_only_the_revoked_session_is_closed(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    phone, tablet = await site.connect(ann), await site.dial(parley.rest.person("ann", ann.id).token)
    await tablet.next("connected")
    [first] = [one for one in site.gateway.acceptor.sessions() if one.connection_id == phone.frames[0]["connectionId"]]
    await publish(parley, ann.id, Kind.REVOKED, msgspec.json.encode(Revocation(first.session_id)))
    assert await phone.closed() == 4503
    assert (await tablet.ask("ping"))["type"] == "pong"


async def test_an_unreadable_envelope_harms_nobody(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    phone = await site.connect(ann)
    for kind in (Kind.REVOKED, Kind.JOINED, Kind.PRESENCE):
        await publish(parley, ann.id, kind, b"{")
    assert (await phone.ask("ping"))["type"] == "pong"


async def test_the_metrics_of_the_contract_are_there_and_count(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone, gone = await site.connect(ben), await site.connect(ann)
    await ann.send(conversation, "hello")
    await phone.messages(1)
    await phone.ask("delivered", conversationId=conversation, seq=1)
    await gone.leave()
    await (await site.dial("x")).closed()
    await eventually(lambda: site.gateway.acceptor.count == 1)
    await site.gateway.settled()
    text = generate_latest(site.registry).decode()
    for line in (
        "parley_gateway_connections 1.0",
        "parley_gateway_connections_opened_total 2.0",
        'parley_gateway_connections_closed_total{code="1000"} 1.0',
        "parley_gateway_connection_seconds_count 1.0",
        "parley_gateway_reconnects_total 0.0",
        'parley_gateway_connection_failures_total{reason="unauthorized"} 1.0',
        "parley_gateway_rooms 1.0",
        'parley_gateway_frames_sent_total{type="durable"} 2.0',
        "parley_gateway_broadcast_seconds_count 1.0",
        "parley_gateway_delivery_seconds_count 1.0",
        "parley_gateway_ack_seconds_count 1.0",
        "parley_gateway_slow_consumers_total 0.0",
        "parley_gateway_gaps_total 0.0",
    ):
        assert line in text.splitlines()
    for secret in (ann.id, ben.id, conversation, ann.token):
        assert secret not in text


async def test_health_and_stats_need_no_token(parley: World, site: OwnSite) -> None:
    async def is_ok() -> bool:
        async with site.http.get(site.url + "/health") as response:
            return bool(response.status == 200 and (await response.json())["status"] == "ok")

    await eventually(is_ok)
    phone = await site.connect(parley.person())
    async with site.http.get(site.url + "/messages/stats") as response:
        assert (await response.json())["totalClients"] == 1
    await phone.leave()


async def test_a_database_restored_while_nobody_is_here_takes_the_next_one_in(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann = parley.person("ann")
    await (await site.connect(ann)).leave()
    await site.gateway.acceptor.empty.wait()
    epoch = new_id()
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE meta SET epoch = $1", epoch)
    await connection.close()

    async def is_in() -> bool:
        frame = await (await site.dial(ann.token)).next()
        return bool(frame["type"] == "connected" and frame["epoch"] == epoch)

    await eventually(is_in)
