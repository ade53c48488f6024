"""The checker catches each broken promise, and is silent about histories that keep them all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.verify.checker import violations
from services.verify.history import Acknowledged, DeviceHistory, Event, Opened, ReceiptSeen, Told, Truth

ADA, BOB, ROOM = "ada", "bob", "room"
MESSAGES = [(1, "m1", "one"), (2, "m2", "two"), (3, "m3", "three")]


def event(seq: int, *, connection: int = 1, live: bool = True) -> Event:
    return Event(ROOM, seq, f"m{seq}", MESSAGES[seq - 1][2], connection, live)


def whole() -> tuple[DeviceHistory, Truth]:
    """Bob had the first by sync and two live; Ada sent them all."""
    bob = DeviceHistory(
        BOB,
        "bob's phone",
        steps=[
            event(1, live=False),
            Opened(1, {ROOM: 1}),
            event(2),
            event(3),
            ReceiptSeen(ROOM, ADA, "read", 2),
            ReceiptSeen(ROOM, ADA, "read", 3),
        ],
        acknowledged=[Acknowledged(ROOM, "c3", "m3", 3, "three")],
        held={ROOM: {1: "m1", 2: "m2", 3: "m3"}},
    )
    truth = Truth(
        messages={ROOM: list(MESSAGES)},
        members={ROOM: [ADA, BOB]},
        unread={(BOB, ROOM): 1, (ADA, ROOM): 0},
        read={(BOB, ROOM): 2, (ADA, ROOM): 3},
        online={ADA: False, BOB: True},
        expected_online={ADA: False, BOB: True},
    )
    return bob, truth


def test_a_history_that_keeps_every_promise_has_no_violation() -> None:
    bob, truth = whole()

    assert violations([bob], truth) == []


def test_a_hole_that_the_gateway_announced_is_none() -> None:
    bob, truth = whole()
    bob.steps = [Opened(1, {ROOM: 0}), event(1), Told(ROOM, 1, 2), event(2, live=False), event(3)]

    assert violations([bob], truth) == []


def lost(bob: DeviceHistory, _: Truth) -> None:
    del bob.held[ROOM][2]


def other_order(bob: DeviceHistory, _: Truth) -> None:
    bob.held[ROOM].update({2: "m3", 3: "m2"})


def twice(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(event(3))


def hole(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.remove(event(2))


def below_the_head(bob: DeviceHistory, _: Truth) -> None:
    bob.steps[1] = Opened(1, {ROOM: 2})


def vanished(bob: DeviceHistory, _: Truth) -> None:
    bob.acknowledged.append(Acknowledged(ROOM, "c4", "m4", 4, "four"))


def moved(bob: DeviceHistory, _: Truth) -> None:
    bob.acknowledged[0] = replace(bob.acknowledged[0], seq=2)


def stored_twice(_: DeviceHistory, truth: Truth) -> None:
    truth.messages[ROOM][1] = (2, "m2", "one")


def gap_in_the_log(_: DeviceHistory, truth: Truth) -> None:
    del truth.messages[ROOM][1]


def receipt_of_the_future(bob: DeviceHistory, _: Truth) -> None:
    bob.steps.append(ReceiptSeen(ROOM, ADA, "delivered", 9))


def receipt_that_postgres_never_had(bob: DeviceHistory, truth: Truth) -> None:
    truth.read[ADA, ROOM] = 2
    truth.unread[ADA, ROOM] = 1


def wrong_unread(_: DeviceHistory, truth: Truth) -> None:
    truth.unread[BOB, ROOM] = 2


def ghost(_: DeviceHistory, truth: Truth) -> None:
    truth.online[ADA] = True


@pytest.mark.parametrize(
    ("break_it", "caught_by"),
    [
        (lost, "nothing_lost"),
        (other_order, "one_order_for_all"),
        (twice, "once_and_in_order_on_a_connection"),
        (hole, "once_and_in_order_on_a_connection"),
        (below_the_head, "once_and_in_order_on_a_connection"),
        (vanished, "acknowledged_is_stored_once"),
        (moved, "acknowledged_is_stored_once"),
        (stored_twice, "acknowledged_is_stored_once"),
        (gap_in_the_log, "numbered_without_gaps"),
        (receipt_of_the_future, "receipts_point_at_what_exists"),
        (receipt_that_postgres_never_had, "receipts_reach_the_devices"),
        (wrong_unread, "unread_is_right"),
        (ghost, "presence_tells_the_truth"),
    ],
)
def test_each_broken_promise_is_caught_by_its_check(
    break_it: Callable[[DeviceHistory, Truth], None], caught_by: str
) -> None:
    bob, truth = whole()

    break_it(bob, truth)

    assert caught_by in {found.split(":")[0] for found in violations([bob], truth)}
