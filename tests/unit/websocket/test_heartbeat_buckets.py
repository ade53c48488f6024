from collections import Counter

from gateway.websocket.heartbeat import Heartbeat
from tests.unit.websocket.recording import recorded


def test_connections_are_spread_evenly_over_the_ticks_between_two_pings() -> None:
    heartbeat, connections = Heartbeat(0.4), [recorded()[0] for _ in range(40)]
    for connection in connections:
        heartbeat.add(connection)
    assert sorted(Counter(id(connection.bucket) for connection in connections).values()) == [10] * 4


def test_a_connection_that_left_is_not_held() -> None:
    heartbeat, (connection, _) = Heartbeat(25), recorded()
    heartbeat.add(connection)
    bucket = connection.bucket
    heartbeat.discard(connection)
    assert (bucket, connection.bucket) == ({}, None)
