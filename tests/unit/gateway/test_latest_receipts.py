"""On a connection a receipt never goes back, in whatever order persistence processes publish."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.forwarding.latest_receipts import REMEMBERED_SECONDS, LatestReceipts
from shared.wire import ReceiptStatus

ROOM, ANN, BEN = b"room", b"ann", b"ben"
DELIVERED, READ = ReceiptStatus.DELIVERED, ReceiptStatus.READ


def test_a_receipt_that_comes_after_a_later_one_is_no_news() -> None:
    latest = LatestReceipts()

    assert latest.is_news(ROOM, ANN, READ, 7, now=1.0)
    assert not latest.is_news(ROOM, ANN, READ, 5, now=1.1)
    assert latest.is_news(ROOM, ANN, READ, 7, now=1.2)
    assert latest.is_news(ROOM, ANN, READ, 8, now=1.3)


def test_readers_rooms_and_statuses_do_not_hinder_each_other() -> None:
    latest = LatestReceipts()
    assert latest.is_news(ROOM, ANN, DELIVERED, 7, now=1.0)

    assert latest.is_news(ROOM, ANN, READ, 5, now=1.0)
    assert latest.is_news(ROOM, BEN, DELIVERED, 5, now=1.0)
    assert latest.is_news(b"another", ANN, DELIVERED, 5, now=1.0)


def test_a_release_that_names_no_status_is_let_through() -> None:
    latest = LatestReceipts()

    assert latest.is_news(ROOM, ANN, ReceiptStatus.UNKNOWN, 7, now=1.0)
    assert latest.is_news(ROOM, ANN, ReceiptStatus.UNKNOWN, 5, now=1.0)


def test_another_line_of_history_begins_anew() -> None:
    latest = LatestReceipts()
    latest.is_news(ROOM, ANN, READ, 7, now=1.0)

    latest.forget()

    assert latest.is_news(ROOM, ANN, READ, 1, now=1.0)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, REMEMBERED_SECONDS / 3)), min_size=1))
def test_what_was_told_within_the_time_is_never_taken_back(said: list[tuple[int, float]]) -> None:
    latest, now = LatestReceipts(), 0.0
    told: list[tuple[int, float]] = []
    for seq, later in said:
        now += later
        if latest.is_news(ROOM, ANN, READ, seq, now):
            told.append((seq, now))

    for (seq, at), (next_seq, next_at) in itertools.pairwise(told):
        assert next_seq >= seq or next_at - at >= REMEMBERED_SECONDS


def test_a_minimum_of_all_is_news_once_and_only_grows() -> None:
    latest = LatestReceipts()
    nobody, status = bytes(16), ReceiptStatus.ALL
    assert [latest.is_news(ROOM, nobody, status, seq, now=1.0) for seq in (3, 3, 2, 5)] == [True, False, False, True]
