"""The benchmark's own count: what is lost, doubled or out of order must show, or its figures mean nothing."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.websocket.frames import text_frame
from tests.bench.load.arrivals import Arrivals, Outcome
from tests.bench.load.marks import mark
from tests.bench.seats import Seats

SEATS = Seats.filled(rooms=2, members=2)
MILLISECOND = 1_000_000


def frame(number: int, at_ns: int = 0) -> bytes:
    return text_frame(b'{"type":"message.new","text":"%s","more":"%s"}' % (mark(at_ns, number), b"x" * 200))


def all_delivered(arrivals: Arrivals, publishes: int, at_ns: int = MILLISECOND) -> None:
    for number in range(publishes):
        for connection in SEATS.users_in(number % SEATS.rooms):
            arrivals.add(at_ns, connection, frame(number))


def test_all_that_came_once_and_in_order_is_whole() -> None:
    arrivals = Arrivals(SEATS, 0, 6)
    all_delivered(arrivals, 6)
    outcome = arrivals.outcome()
    assert (outcome.is_whole, outcome.delivered, outcome.expected, arrivals.count) == (True, 12, 12, 12)
    assert set(outcome.latencies_ms) == {1.0}


def only(publishes: int, *chunks: tuple[int, bytes]) -> Outcome:
    arrivals = Arrivals(SEATS, 0, publishes)
    for connection, data in chunks:
        arrivals.add(MILLISECOND, connection, data)
    return arrivals.outcome()


def test_what_did_not_come_is_lost() -> None:
    assert only(2, (0, frame(0)), (1, frame(0)), (2, frame(1))).lost == 1


def test_what_came_twice_is_a_double() -> None:
    assert only(1, (0, frame(0) + frame(0)), (1, frame(0))).duplicated == 1


def test_what_came_before_its_predecessor_is_out_of_order() -> None:
    assert only(4, (0, frame(2) + frame(0)), (1, frame(0) + frame(2))).disordered == 1


def test_what_was_another_rooms_or_another_runs_is_unexpected() -> None:
    outcome = only(2, (0, frame(1)), (0, frame(7)))
    assert (outcome.unexpected, outcome.delivered, outcome.is_whole) == (2, 0, False)


def test_a_word_that_something_is_lost_is_counted() -> None:
    outcome = only(1, (0, frame(0) + text_frame(b'{"type":"sync","lastSeq":9}')), (1, frame(0)))
    assert (outcome.lost, outcome.syncs, outcome.is_whole) == (0, 1, False)


def test_nothing_is_expected_of_those_who_do_not_read() -> None:
    arrivals = Arrivals(SEATS, 0, 4, without=frozenset({0, 3}))
    for number in range(4):
        arrivals.add(MILLISECOND, SEATS.users_in(number % 2)[1 - number % 2], frame(number))
    assert arrivals.outcome().is_whole


@settings(suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(st.lists(st.integers(min_value=1, max_value=400), max_size=12))
def test_reads_may_end_anywhere(sizes: list[int]) -> None:
    arrivals = Arrivals(Seats.filled(rooms=1, members=1), 0, 5)
    stream = b"".join(frame(number) for number in range(5))
    for size in sizes:
        arrivals.add(MILLISECOND, 0, stream[:size])
        stream = stream[size:]
    arrivals.add(MILLISECOND, 0, stream)
    outcome = arrivals.outcome()
    assert (outcome.is_whole, outcome.delivered) == (True, 5)


def test_a_mark_in_two_reads_came_with_the_later_one() -> None:
    arrivals = Arrivals(Seats.filled(rooms=1, members=1), 0, 1)
    cut = frame(0).index(b"~") + 10
    arrivals.add(MILLISECOND, 0, frame(0)[:cut])
    arrivals.add(3 * MILLISECOND, 0, frame(0)[cut:])
    assert arrivals.outcome().latencies_ms == [3.0]


def test_large_payloads_count_as_small_ones_do() -> None:
    arrivals = Arrivals(Seats.filled(rooms=1, members=1), 0, 2)
    for number in range(2):
        arrivals.add(0, 0, frame(number) + b"x" * 10_000)
    assert (arrivals.outcome().is_whole, arrivals.count) == (True, 2)


@given(
    st.integers(min_value=1, max_value=50), st.integers(min_value=1, max_value=4), st.integers(min_value=4, max_value=9)
)
def test_seats_agree_on_who_is_in_a_room(rooms: int, members: int, connections: int) -> None:
    for seats in (Seats(rooms, members, connections), Seats.with_absent_partners(connections, 3)):
        listed = seats.by_connection()
        for room in range(seats.rooms):
            here = [user for user in seats.users_in(room) if user < seats.connections]
            assert len(set(here)) == len(here) == seats.listeners
            places = [seats.member(room, connection) for connection in range(seats.connections)]
            assert sorted(place for place in places if place is not None) == list(range(seats.listeners))
            assert [connection for connection in range(connections) if room in listed[connection]] == sorted(here)
