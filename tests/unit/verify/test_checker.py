"""The checker catches each broken promise, and is silent about histories that keep them all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.verify.checker import violations
from services.verify.history import (
    Absence,
    Acknowledged,
    Answered,
    Closed,
    DeviceHistory,
    Event,
    Left,
    MinimaSeen,
    Opened,
    PresenceSeen,
    ReceiptSeen,
    Said,
    Scheduled,
    Step,
    Told,
    Truth,
)

ADA, BOB, EVE, ROOM, CORNER = "ada", "bob", "eve", "room", "corner"
MESSAGES = [(1, "m1", "one"), (2, "m2", "two"), (3, "m3", "three")]


def event(seq: int, *, connection: int = 1, live: bool = True) -> Event:
    return Event(ROOM, seq, "message.new", connection, live)


def receipt(seq: int, *, at: float, reader: str = BOB, status: str = "read", connection: int = 1) -> ReceiptSeen:
    return ReceiptSeen(ROOM, reader, status, seq, connection, at)


def whole() -> tuple[DeviceHistory, DeviceHistory, Truth]:
    """Bob had the first by sync and two live, and sent the second; Ada sent the others, and left. Eve is asleep."""
    bob = DeviceHistory(
        BOB,
        "bob's phone",
        steps=[
            event(1, live=False),
            Opened(1, {ROOM: 1}),
            event(2),
            Said(ROOM, "delivered", 2, at=3.0),
            receipt(2, status="delivered", at=3.1),
            Said(ROOM, "read", None, at=4.0, ref=1),
            receipt(2, at=4.1),
            Answered(1, at=4.2),
            event(3),
            PresenceSeen(ADA, True, 1),
            PresenceSeen(ADA, False, 1),
        ],
        acknowledged=[Acknowledged(ROOM, "c2", "m2", 2, "two", began=2.0)],
        held={ROOM: {1: "m1", 2: "m2", 3: "m3"}},
        texts={ROOM: {1: "one", 2: "two", 3: "three"}},
        cursors={ROOM: 3},
    )
    sent = [Acknowledged(ROOM, "c1", "m1", 1, "one", began=1.0), Acknowledged(ROOM, "c3", "m3", 3, "three", began=5.0)]
    ada = DeviceHistory(ADA, "ada's phone", acknowledged=sent)
    truth = Truth(
        messages={ROOM: list(MESSAGES)},
        members={ROOM: [ADA, BOB]},
        hideable={CORNER: [ADA, BOB]},
        listed={ADA: {ROOM: (3, "m3"), CORNER: (9, "m9")}, BOB: {ROOM: (3, "m3")}},
        unread={(BOB, ROOM): 1, (ADA, ROOM): 0},
        totals={BOB: (1, 1), ADA: (0, 0)},
        read={(BOB, ROOM): 2, (ADA, ROOM): 3},
        delivered_up_to={(ADA, ROOM): 3, (BOB, ROOM): 3},
        online={ADA: False, BOB: True},
        expected_online={ADA: False, BOB: True},
    )
    return bob, ada, truth


def test_a_history_that_keeps_every_promise_has_no_violation() -> None:
    bob, ada, truth = whole()

    assert violations([bob, ada], truth) == []


def with_a_pin(bob: DeviceHistory, truth: Truth) -> Event:
    """A fourth event, which is no message."""
    pin = Event(ROOM, 4, "message.pinned", 1, live=True)
    bob.steps.append(pin)
    truth.heads[ROOM] = bob.cursors[ROOM] = 4
    return pin


def test_an_event_that_is_no_message_has_its_place_and_counts_nowhere() -> None:
    bob, ada, truth = whole()
    with_a_pin(bob, truth)

    assert violations([bob, ada], truth) == []


def test_who_is_out_may_hear_of_their_removal_and_of_their_return() -> None:
    bob, ada, truth = whole()
    truth.absences.append(Absence(BOB, CORNER, 4, before=7))
    bob.steps += [replace(corner(seq), live=False) for seq in (4, 7)]

    assert violations([bob, ada], truth) == []


def test_a_hole_that_the_gateway_announced_is_none() -> None:
    bob, _, truth = whole()
    told: list[Step] = [Opened(1, {ROOM: 0}), event(1), Told(ROOM, 1, 2), event(2, live=False), event(3)]
    bob.steps = [*told, *bob.steps[3:8], *bob.steps[9:]]

    assert violations([bob], truth) == []


def test_nothing_is_owed_to_a_connection_that_is_closed() -> None:
    bob, _, truth = whole()
    bob.steps += [Closed(1), event(3, live=False), Opened(2, {ROOM: 3}), PresenceSeen(ADA, False, 2)]
    bob.steps.remove(event(3))

    assert violations([bob], truth) == []


def test_a_report_past_the_end_that_was_never_answered_may_have_meant_anything() -> None:
    bob, ada, truth = whole()
    bob.steps.remove(Answered(1, at=4.2))
    truth.read[BOB, ROOM], truth.unread[BOB, ROOM] = 3, 0

    assert violations([bob, ada], truth) == []


def comes_back(bob: DeviceHistory, truth: Truth) -> None:
    """Bob hid the corner; then two messages came there, and the device asked for it."""
    bob.steps += [Opened(1, {CORNER: 7}), Left(CORNER, 1), corner(8), corner(9)]
    bob.held[CORNER] = {8: "m8", 9: "m9"}
    truth.listed[BOB][CORNER] = (9, "m9")


def corner(seq: int) -> Event:
    return Event(CORNER, seq, "message.new", 1, live=True)


def test_what_was_hidden_comes_back_with_a_message_or_with_news_that_is_ahead_of_it() -> None:
    bob, ada, truth = whole()
    comes_back(bob, truth)
    assert violations([bob, ada], truth) == []

    bob.steps.insert(-2, Opened(1, {CORNER: 9}))
    assert violations([bob, ada], truth) == []


def test_a_message_of_before_may_come_after_the_word_that_all_is_hidden() -> None:
    bob, ada, truth = whole()
    bob.steps += [Opened(1, {CORNER: 7}), Left(CORNER, 1), corner(8)]

    assert violations([bob, ada], truth) == []


def still_shown(bob: DeviceHistory, truth: Truth) -> None:
    comes_back(bob, truth)
    bob.steps += [Left(CORNER, 1), Opened(1, {CORNER: 9})]
    del truth.listed[BOB][CORNER]


def back_without_a_word(bob: DeviceHistory, truth: Truth) -> None:
    comes_back(bob, truth)
    bob.steps.append(Left(CORNER, 1))


def back_without_its_message(bob: DeviceHistory, truth: Truth) -> None:
    comes_back(bob, truth)
    del bob.held[CORNER][9]


def the_message_that_brings_it_back_is_not_sent(bob: DeviceHistory, truth: Truth) -> None:
    comes_back(bob, truth)
    bob.steps.remove(corner(9))


def heard_while_out(bob: DeviceHistory, truth: Truth) -> None:
    truth.absences.append(Absence(BOB, CORNER, 4, before=7))
    bob.steps += [replace(corner(seq), live=False) for seq in (4, 6, 7)]


def lost(bob: DeviceHistory, _: Truth) -> None:
    del bob.held[ROOM][2]


def page_without_its_place(_: DeviceHistory, truth: Truth) -> None:
    truth.heads[ROOM] = 2


def other_order(bob: DeviceHistory, _: Truth) -> None:
    bob.held[ROOM].update({2: "m3", 3: "m2"})


def edit_that_was_missed(_: DeviceHistory, truth: Truth) -> None:
    truth.messages[ROOM][2] = (3, "m3", "three, edited")


def end_that_the_server_forgot(bob: DeviceHistory, truth: Truth) -> None:
    truth.asked_at = "2026-11-22T20:15:09.000Z"
    bob.ends[ROOM] = {2: "2026-11-22T20:15:10.000Z", 3: "2026-11-22T20:15:08.000Z"}


def scheduled_twice(bob: DeviceHistory, truth: Truth) -> None:
    bob.scheduled.append(Scheduled(ROOM, truth.messages[ROOM][1][2]))
    truth.messages[ROOM].append((4, "m4", truth.messages[ROOM][1][2]))


def scheduled_and_never_sent(bob: DeviceHistory, _: Truth) -> None:
    bob.scheduled.append(Scheduled(ROOM, "never"))


def twice(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(event(3))


def hole(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.remove(event(2))


def below_the_head(bob: DeviceHistory, _: Truth) -> None:
    bob.steps[1] = Opened(1, {ROOM: 2})


def vanished(bob: DeviceHistory, _: Truth) -> None:
    bob.acknowledged.append(Acknowledged(ROOM, "c4", "m4", 4, "four", began=4.0))


def moved(bob: DeviceHistory, _: Truth) -> None:
    bob.acknowledged[0] = replace(bob.acknowledged[0], seq=1)


def stored_twice(_: DeviceHistory, truth: Truth) -> None:
    truth.messages[ROOM][1] = (2, "m2", "one")


def gap_in_the_log(_: DeviceHistory, truth: Truth) -> None:
    del truth.messages[ROOM][1]


def pin_that_nobody_was_told_of(bob: DeviceHistory, truth: Truth) -> None:
    bob.steps.remove(with_a_pin(bob, truth))


def pin_that_was_lost(bob: DeviceHistory, truth: Truth) -> None:
    with_a_pin(bob, truth)
    bob.cursors[ROOM] = 3


def the_tail_is_missing(bob: DeviceHistory, _: Truth) -> None:
    """The device has it from its own sync; the connection would never have brought it."""
    bob.steps[bob.steps.index(event(3))] = event(3, live=False)


def a_room_it_was_never_told_of(bob: DeviceHistory, _: Truth) -> None:
    bob.steps = [Opened(1, {}), *(step for step in bob.steps if not isinstance(step, Opened | Event))]


def receipt_of_the_future(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(receipt(9, reader=ADA, status="delivered", at=9.0))


def receipt_of_a_stranger(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(receipt(1, reader=EVE, at=9.0))


def receipt_backwards(bob: DeviceHistory, _: Truth) -> None:
    bob.steps += [receipt(2, at=9.0), receipt(1, at=9.1)]


def receipt_before_it_was_said(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.insert(0, receipt(2, status="delivered", at=1.5))


def end_of_a_later_moment(bob: DeviceHistory, _: Truth) -> None:
    """What lay past the end was looked for after the third message was sent, which Bob had not seen."""
    bob.steps.append(receipt(3, at=6.0))


def end_of_a_later_moment_that_nobody_heard_of(_: DeviceHistory, truth: Truth) -> None:
    truth.read[BOB, ROOM], truth.unread[BOB, ROOM] = 3, 0


def receipt_that_postgres_never_had(bob: DeviceHistory, truth: Truth) -> None:
    bob.steps.append(receipt(2, at=6.0))
    truth.read[BOB, ROOM], truth.unread[BOB, ROOM] = 1, 2


def read_that_was_lost(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(Said(ROOM, "read", 3, at=6.0))


def delivered_that_was_lost(_: DeviceHistory, truth: Truth) -> None:
    truth.delivered_up_to[ADA, ROOM] = 2


def deaf_to_a_departure(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.remove(PresenceSeen(ADA, False, 1))


def asleep(truth: Truth, *pushed: tuple[str, str]) -> None:
    truth.members[ROOM].append(EVE)
    truth.asleep = {EVE}
    truth.pushed = {EVE: list(pushed)}


def message_that_was_not_pushed(_: DeviceHistory, truth: Truth) -> None:
    asleep(truth, ("m1", ROOM), ("m3", ROOM))


def two_notifications_of_one_message(_: DeviceHistory, truth: Truth) -> None:
    asleep(truth, ("m1", ROOM), ("m2", ROOM), ("m3", ROOM), ("m3", "another"))


def wrong_total(_: DeviceHistory, truth: Truth) -> None:
    truth.totals[BOB] = 1, 2


def wrong_unread(_: DeviceHistory, truth: Truth) -> None:
    truth.unread[BOB, ROOM] = 2


def minima(delivered: int, read: int) -> MinimaSeen:
    return MinimaSeen(ROOM, delivered, read, 1)


def everybody_has_less_than_before(bob: DeviceHistory, _: Truth) -> None:
    bob.steps += [minima(2, 1), minima(2, 0)]


def everybody_has_what_somebody_lacks(bob: DeviceHistory, truth: Truth) -> None:
    truth.read_up_to[BOB, ROOM] = 1
    bob.steps += [minima(1, 1), minima(2, 2)]


def ghost(_: DeviceHistory, truth: Truth) -> None:
    truth.online[ADA] = True


@pytest.mark.parametrize(
    ("break_it", "caught_by"),
    [
        (lost, "nothing_lost"),
        (other_order, "one_order_for_all"),
        (page_without_its_place, "a_page_names_its_place"),
        (edit_that_was_missed, "same_text_for_all"),
        (end_that_the_server_forgot, "ended_is_gone"),
        (scheduled_twice, "scheduled_is_sent_once"),
        (scheduled_and_never_sent, "scheduled_is_sent_once"),
        (twice, "once_and_in_order_on_a_connection"),
        (hole, "once_and_in_order_on_a_connection"),
        (below_the_head, "once_and_in_order_on_a_connection"),
        (vanished, "acknowledged_is_stored_once"),
        (moved, "acknowledged_is_stored_once"),
        (stored_twice, "acknowledged_is_stored_once"),
        (gap_in_the_log, "numbered_without_gaps"),
        (pin_that_nobody_was_told_of, "numbered_without_gaps"),
        (pin_that_nobody_was_told_of, "an_open_connection_is_whole"),
        (pin_that_was_lost, "nothing_lost"),
        (the_tail_is_missing, "an_open_connection_is_whole"),
        (a_room_it_was_never_told_of, "an_open_connection_is_whole"),
        (receipt_of_the_future, "receipts_point_at_what_exists"),
        (receipt_of_a_stranger, "receipts_point_at_what_exists"),
        (receipt_backwards, "receipts_only_go_forward"),
        (receipt_before_it_was_said, "receipts_cover_only_what_was_said"),
        (end_of_a_later_moment, "receipts_cover_only_what_was_said"),
        (end_of_a_later_moment_that_nobody_heard_of, "receipts_cover_only_what_was_said"),
        (receipt_that_postgres_never_had, "receipts_are_stored"),
        (read_that_was_lost, "reports_are_stored"),
        (delivered_that_was_lost, "reports_are_stored"),
        (wrong_unread, "unread_is_right"),
        (wrong_total, "unread_adds_up"),
        (still_shown, "the_list_is_right"),
        (back_without_a_word, "the_list_is_right"),
        (back_without_its_message, "what_comes_back_brings_its_message"),
        (the_message_that_brings_it_back_is_not_sent, "an_open_connection_is_whole"),
        (everybody_has_less_than_before, "nobody_is_behind_all"),
        (everybody_has_what_somebody_lacks, "nobody_is_behind_all"),
        (ghost, "presence_tells_the_truth"),
        (deaf_to_a_departure, "presence_is_told"),
        (heard_while_out, "who_is_out_is_out"),
        (message_that_was_not_pushed, "the_silent_are_reached"),
        (two_notifications_of_one_message, "the_silent_are_reached"),
    ],
)
def test_each_broken_promise_is_caught_by_its_check(
    break_it: Callable[[DeviceHistory, Truth], None], caught_by: str
) -> None:
    bob, ada, truth = whole()

    break_it(bob, truth)

    assert caught_by in {found.split(":")[0] for found in violations([bob, ada], truth)}
