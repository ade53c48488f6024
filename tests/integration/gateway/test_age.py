"""Sockets that have lived long move, so that gateways which came later fill as well."""

import asyncio

import pytest

from tests.integration.gateway.world import World


async def test_an_old_socket_is_asked_to_move_and_closed_with_1012_only_if_it_did_not(parley: World) -> None:
    site = await parley.gateway(heartbeat_seconds=1.0, max_connection_age_seconds=4.0)
    ann, ben = parley.person("ann"), parley.person("ben")
    moves, stays = await site.connect(ann), await site.connect(ben)

    async def move() -> None:
        hint = await moves.next("reconnect", seconds=30)
        assert 0 <= hint["afterMs"] <= 5000
        await site.connect(ann)
        await moves.leave()

    _, code = await asyncio.gather(move(), stays.closed(30))

    assert code == 1012
    assert [frame["type"] for frame in stays.frames].count("reconnect") == 1
    assert (moves.socket.close_code, site.gateway.stats.aged) == (1000, 2)


async def test_0_lets_sockets_grow_as_old_as_they_like(parley: World) -> None:
    site = await parley.gateway(heartbeat_seconds=0.2, max_connection_age_seconds=0.0)
    phone = await site.connect(parley.person())
    with pytest.raises(TimeoutError):
        await phone.next("reconnect", seconds=1.0)
