"""Who hears of a message by push, and the reason given where nobody does."""

import pytest

from pusher.policy import Now, Reason, decide
from tests.unit.pusher.targets import NOW_MS, WANTED, target

NOW = Now(NOW_MS)
DAY_MS = 24 * 3600 * 1000


def test_a_message_that_no_device_took_is_pushed() -> None:
    assert decide(WANTED, NOW) is Reason.PUSH


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"user_id": WANTED.sender_id}, Reason.OWN),
        ({"left": True}, Reason.LEFT),
        ({"hidden_seq": 7}, Reason.HIDDEN),
        ({"read_seq": 7}, Reason.READ),
        ({"attended_seq": 9}, Reason.ATTENDED),
        ({"messages_enabled": False}, Reason.OFF),
        ({"muted_until_ms": NOW_MS + 1}, Reason.MUTED),
        ({"quiet_start": 22 * 60, "quiet_end": 7 * 60}, Reason.QUIET),
        ({"created_at_ms": NOW_MS - DAY_MS - 1}, Reason.STALE),
        ({"devices": []}, Reason.NO_DEVICE),
        ({"devices": [], "told_devices": 1}, Reason.TOLD),
    ],
)
def test_each_reason_stills_the_push_and_is_named(changes: dict[str, object], reason: Reason) -> None:
    assert decide(target(**changes), NOW) is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_seq": 6},
        {"muted_until_ms": NOW_MS},
        {"quiet_start": 7 * 60, "quiet_end": 22 * 60},
        {"quiet_start": 60, "quiet_end": 60},
        {"quiet_start": 22 * 60, "quiet_end": None},
        {"created_at_ms": NOW_MS - DAY_MS},
    ],
)
def test_what_ended_or_lies_before_the_message_stills_nothing(changes: dict[str, object]) -> None:
    assert decide(target(**changes), NOW) is Reason.PUSH


@pytest.mark.parametrize(
    ("zone", "reason"),
    [("UTC", Reason.QUIET), ("America/Los_Angeles", Reason.PUSH), ("No/Such_Zone", Reason.QUIET), (None, Reason.QUIET)],
)
def test_quiet_hours_follow_the_users_own_clock(zone: str | None, reason: Reason) -> None:
    """22:13 in UTC is 14:13 in Los Angeles."""
    night = target(quiet_start=22 * 60, quiet_end=6 * 60, time_zone=zone)

    assert decide(night, NOW) is reason


def test_the_first_reason_wins_where_several_apply() -> None:
    assert decide(target(read_seq=7, messages_enabled=False, devices=[]), NOW) is Reason.READ
