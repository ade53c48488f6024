import itertools
from uuid import uuid4

from gateway.session.age import limit_of


def test_sockets_that_came_together_leave_spread_over_half_an_age() -> None:
    limits = sorted(limit_of(uuid4().bytes, 100.0) for _ in range(1000))
    assert 75.0 <= limits[0] < 80.0
    assert 120.0 < limits[-1] <= 125.0
    assert max(after - before for before, after in itertools.pairwise(limits)) < 2.0


def test_the_same_socket_has_the_same_limit_at_each_look() -> None:
    key = uuid4().bytes
    assert limit_of(key, 100.0) == limit_of(key, 100.0)
