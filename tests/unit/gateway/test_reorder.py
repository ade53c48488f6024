"""What a room promises about the order of its events, one example per promise."""

from gateway.state.reorder import Gap, Reorder

NOW = 100.0


def event(seq: int) -> bytes:
    return b"event %d" % seq


def events(first: int, last: int) -> list[tuple[int, bytes]]:
    return [(seq, event(seq)) for seq in range(first, last + 1)]


def room(head: int = 0) -> Reorder[bytes]:
    reorder = Reorder[bytes]()
    reorder.start(head, NOW)
    return reorder


def test_the_next_event_is_forwarded_at_once() -> None:
    reorder = room(head=7)

    assert list(reorder.accept(8, event(8), NOW)) == [event(8)]
    assert reorder.forwarded == 8
    assert reorder.gap is None


def test_an_event_that_came_before_is_dropped() -> None:
    reorder = room(head=7)
    reorder.accept(8, event(8), NOW)

    assert not reorder.accept(8, event(8), NOW)
    assert not reorder.accept(3, event(3), NOW)
    assert reorder.gap is None


def test_a_later_event_waits_for_the_missing_one_and_follows_it() -> None:
    reorder = room()

    assert not reorder.accept(3, event(3), NOW)
    assert reorder.gap == Gap(1, 2, NOW)
    assert list(reorder.accept(1, event(1), NOW + 1)) == [event(1)]
    assert reorder.gap == Gap(2, 2, NOW + 1)
    assert list(reorder.accept(2, event(2), NOW + 2)) == [event(2), event(3)]
    assert reorder.gap is None


def test_a_gap_keeps_its_date_while_more_events_pile_up_behind_it() -> None:
    reorder = room()
    reorder.accept(2, event(2), NOW)
    reorder.accept(4, event(4), NOW + 1)
    reorder.accept(2, event(2), NOW + 2)

    assert reorder.gap == Gap(1, 3, NOW)


def test_a_held_event_that_comes_again_is_forwarded_once() -> None:
    reorder = room()
    reorder.accept(2, event(2), NOW)
    reorder.accept(2, event(2), NOW)

    assert list(reorder.accept(1, event(1), NOW)) == [event(1), event(2)]


def test_a_fetched_gap_is_forwarded_with_what_waited_behind_it() -> None:
    reorder = room(head=10)
    reorder.accept(13, event(13), NOW)
    reorder.accept(15, event(15), NOW)

    assert list(reorder.fill(events(11, 14), NOW)) == [event(seq) for seq in range(11, 16)]
    assert reorder.gap is None


def test_an_answer_that_overlaps_what_came_meanwhile_repeats_nothing() -> None:
    reorder = room(head=10)
    reorder.accept(13, event(13), NOW)
    reorder.accept(11, event(11), NOW)

    assert list(reorder.fill(events(9, 13), NOW)) == [event(12), event(13)]


def test_a_part_of_the_gap_leaves_the_rest_of_it() -> None:
    reorder = room()
    reorder.accept(9, event(9), NOW)

    assert list(reorder.fill(events(1, 4), NOW + 1)) == [event(seq) for seq in range(1, 5)]
    assert reorder.gap == Gap(5, 8, NOW + 1)


def test_everything_is_held_until_the_head_is_known() -> None:
    reorder = Reorder[bytes]()

    for seq in (5, 6, 8):
        assert not reorder.accept(seq, event(seq), NOW)
    assert reorder.gap is None
    assert list(reorder.start(4, NOW + 1)) == [event(5), event(6)]
    assert reorder.gap == Gap(7, 7, NOW + 1)


def test_what_the_head_covers_is_not_forwarded() -> None:
    reorder = Reorder[bytes]()
    for seq in (5, 6, 7):
        reorder.accept(seq, event(seq), NOW)

    assert list(reorder.start(6, NOW)) == [event(7)]
    assert not reorder.accept(6, event(6), NOW)


def test_a_second_start_neither_moves_the_room_nor_loses_what_it_reveals() -> None:
    reorder = room(head=5)
    reorder.accept(6, event(6), NOW)

    assert not reorder.start(3, NOW)
    assert reorder.forwarded == 6
    assert not reorder.start(8, NOW)
    assert reorder.gap == Gap(7, 8, NOW)


def test_a_lost_last_event_shows_when_the_head_is_checked() -> None:
    reorder = room(head=5)

    reorder.expect(5, NOW)
    assert reorder.gap is None
    reorder.expect(7, NOW)
    assert reorder.gap == Gap(6, 7, NOW)
    assert list(reorder.fill(events(6, 7), NOW)) == [event(6), event(7)]
    assert reorder.gap is None


def test_a_head_heard_of_before_the_start_is_remembered() -> None:
    reorder = Reorder[bytes]()
    reorder.expect(9, NOW)
    reorder.start(7, NOW + 1)

    assert reorder.gap == Gap(8, 9, NOW + 1)


def test_a_gap_given_up_lets_go_of_what_follows_it() -> None:
    reorder = room()
    for seq in (3, 5, 6, 9):
        reorder.accept(seq, event(seq), NOW)

    assert list(reorder.skip_to(4, NOW + 1)) == [event(5), event(6)]
    assert reorder.gap == Gap(7, 8, NOW + 1)
    assert not reorder.skip_to(2, NOW)
    assert reorder.forwarded == 6


def test_more_events_than_are_held_become_part_of_the_gap() -> None:
    reorder = room()
    held = Reorder.MAX_EVENTS
    for seq in range(2, held + 5):
        reorder.accept(seq, event(seq), NOW)

    assert len(reorder.accept(1, event(1), NOW)) == held + 1
    assert reorder.gap == Gap(held + 2, held + 4, NOW)
    assert len(reorder.fill(events(held + 2, held + 4), NOW)) == 3
    assert reorder.gap is None


def test_more_bytes_than_are_held_become_part_of_the_gap() -> None:
    reorder = room()
    big = bytes(Reorder.MAX_BYTES // 2)
    for seq in (2, 3, 4):
        reorder.accept(seq, big, NOW)

    assert list(reorder.accept(1, big, NOW)) == [big, big, big]
    assert reorder.gap == Gap(4, 4, NOW)


def test_bytes_that_left_make_room_for_others() -> None:
    reorder = room()
    big = bytes(Reorder.MAX_BYTES)
    reorder.accept(2, big, NOW)
    reorder.skip_to(2, NOW)
    reorder.accept(4, big, NOW)

    assert list(reorder.accept(3, event(3), NOW)) == [event(3), big]


def test_an_event_longer_than_all_that_is_held_still_arrives() -> None:
    reorder = room()
    huge = bytes(Reorder.MAX_BYTES + 1)
    reorder.accept(2, huge, NOW)
    reorder.accept(1, event(1), NOW)

    assert reorder.gap == Gap(2, 2, NOW)
    assert list(reorder.accept(2, huge, NOW)) == [huge]
