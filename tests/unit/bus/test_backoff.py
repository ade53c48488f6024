"""How long a link waits before the next attempt."""

from gateway.bus.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


def test_attempts_slow_down_to_the_longest_wait_and_never_beyond() -> None:
    backoff = Backoff()
    waits = [backoff.next_seconds() for _ in range(100)]

    assert FIRST_SECONDS / 2 <= waits[0] <= FIRST_SECONDS
    assert all(LONGEST_SECONDS / 2 <= wait <= LONGEST_SECONDS for wait in waits[6:])


def test_a_fleet_does_not_come_back_in_one_instant() -> None:
    assert len({Backoff().next_seconds() for _ in range(100)}) > 90


def test_after_a_success_it_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.next_seconds()
    backoff.reset()

    assert backoff.next_seconds() <= FIRST_SECONDS
