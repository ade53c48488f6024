from hypothesis import given
from hypothesis import strategies as st

from gateway.receipts.pending import FIRST_RESEND_SECONDS, MOST_CURSORS, PendingReceipts
from shared.streams import Cursor, ReceiptBatch, Seen


def taken(book: PendingReceipts, now: float = 0.0) -> ReceiptBatch:
    batch = book.take(now)
    assert batch is not None
    return batch


def test_reports_of_one_user_in_one_conversation_are_one_cursor_of_the_highest() -> None:
    book = PendingReceipts("g")
    book.report("c", "u", 0.0, delivered=3, attended=3)
    book.report("c", "u", 0.0, delivered=2, read=1)
    book.report("c", "v", 0.0, read=9)
    assert taken(book).cursors == [Cursor("c", "u", 3, 3, 1), Cursor("c", "v", 0, 0, 9)]
    assert book.take(0.0) is None


def test_a_batch_that_could_not_be_sent_is_sent_again_with_what_was_said_since() -> None:
    book = PendingReceipts("g")
    book.report("c", "u", 0.0, delivered=3)
    first = taken(book)
    book.report("c", "u", 1.0, delivered=5)
    book.put_back(first.number, 1.0)
    second = taken(book, 1.0)
    assert second.cursors == [Cursor("c", "u", 5, 0, 0)]
    assert second.again
    assert second.number != first.number


def test_a_batch_of_which_nothing_is_heard_is_sent_again_less_and_less_often() -> None:
    book = PendingReceipts("g")
    book.report("c", "u", 0.0, delivered=3)
    taken(book)
    assert book.put_back_overdue(FIRST_RESEND_SECONDS - 0.1) == 0
    assert book.put_back_overdue(FIRST_RESEND_SECONDS) == 1
    assert taken(book, 2.0).again
    assert book.put_back_overdue(2.0 + FIRST_RESEND_SECONDS) == 0
    assert book.put_back_overdue(2.0 + 2 * FIRST_RESEND_SECONDS) == 1


def test_an_applied_batch_is_forgotten_and_tells_how_long_it_took() -> None:
    book = PendingReceipts("g")
    book.report("c", "u", 1.0, delivered=3)
    number = taken(book, 1.5).number
    assert book.on_the_way == 1
    assert book.applied(number, 3.0) == 2.0
    assert book.applied(number, 3.0) is None
    assert book.on_the_way == 0
    assert book.put_back_overdue(1000.0) == 0


def test_a_fresh_batch_after_an_applied_repetition_is_no_repetition() -> None:
    book = PendingReceipts("g")
    book.report("c", "u", 0.0, delivered=3)
    book.put_back(taken(book).number, 0.0)
    assert taken(book).again
    book.report("c", "u", 0.0, delivered=4)
    assert not taken(book).again


def test_batches_are_bounded() -> None:
    book = PendingReceipts("g")
    for number in range(MOST_CURSORS + 1):
        book.report(f"c{number}", "u", 0.0, delivered=1)
    assert len(taken(book).cursors) == MOST_CURSORS
    assert len(taken(book).cursors) == 1


def test_the_last_time_somebody_was_seen_counts() -> None:
    book = PendingReceipts("g")
    book.saw("u", 20, 0.0)
    book.saw("u", 10, 0.0)
    assert taken(book).seen == [Seen("u", 20)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans(), st.booleans()), max_size=60))
def test_whatever_is_lost_on_the_way_the_highest_report_arrives(steps: list[tuple[str, int, bool, bool]]) -> None:
    """Batches are taken, lost, applied without word of it, or applied, at random; in the end all goes through."""
    book, arrived, reported = PendingReceipts("g"), dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)

    def apply(batch: ReceiptBatch) -> None:
        for cursor in batch.cursors:
            arrived[cursor.user_id] = max(arrived[cursor.user_id], cursor.delivered)

    for now, (user, seq, reaches, word_comes) in enumerate(steps):
        book.report("c", user, now, delivered=seq)
        reported[user] = max(reported[user], seq)
        batch = taken(book, now)
        if reaches:
            apply(batch)
        if reaches and word_comes:
            book.applied(batch.number, now)
    book.put_back_overdue(1e9)
    while book.has_news:
        rest = taken(book, 1e9)
        apply(rest)
        book.applied(rest.number, 1e9)
    assert arrived == reported
    assert book.on_the_way == 0
