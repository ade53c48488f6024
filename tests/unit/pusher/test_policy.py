"""Who hears of a message by push, and the reason given where nobody does."""

from datetime import datetime

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
        ({"banned": True}, Reason.BANNED),
        ({"left": True}, Reason.LEFT),
        ({"hidden_seq": 7}, Reason.HIDDEN),
        ({"blocked": True}, Reason.BLOCKED),
        ({"read_seq": 7}, Reason.READ),
        ({"attended_seq": 9}, Reason.ATTENDED),
        ({"messages_enabled": False}, Reason.OFF),
        ({"muted_until_ms": NOW_MS + 1}, Reason.MUTED),
        ({"muted_until_ms": NOW_MS + 1, "mentions_only": True}, Reason.MUTED),
        ({"muted_until_ms": NOW_MS + 1, "mentioned": True}, Reason.MUTED),
        ({"quiet_start": 22 * 60, "quiet_end": 7 * 60}, Reason.QUIET),
        ({"created_at_ms": NOW_MS - DAY_MS - 1}, Reason.STALE),
        ({"devices": []}, Reason.NO_DEVICE),
        ({"devices": [], "told_devices": 1}, Reason.TOLD),
        ({"devices": [], "revoked_devices": 1}, Reason.REVOKED),
    ],
)
def test_each_reason_stills_the_push_and_is_named(changes: dict[str, object], reason: Reason) -> None:
    assert decide(target(**changes), NOW) is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_seq": 6},
        {"muted_until_ms": NOW_MS},
        {"muted_until_ms": NOW_MS + 1, "mentions_only": True, "mentioned": True},
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


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        # Berlin springs from 02:00 to 03:00 on 29 March 2026, at 01:00 UTC, and falls back on 25 October, at 01:00 UTC.
        ("2026-03-28T21:59Z", Reason.QUIET),  # 22:59 in winter time
        ("2026-03-28T20:59Z", Reason.PUSH),  # 21:59
        ("2026-03-29T00:59Z", Reason.QUIET),  # 01:59, the minute before
        ("2026-03-29T01:00Z", Reason.QUIET),  # 03:00, the minute after
        ("2026-03-29T03:59Z", Reason.QUIET),  # 05:59 in summer time
        ("2026-03-29T04:00Z", Reason.PUSH),  # 06:00: an hour earlier in UTC than the day before
        ("2026-03-28T04:00Z", Reason.QUIET),  # 05:00
        ("2026-10-24T20:00Z", Reason.QUIET),  # 22:00 in summer time
        ("2026-10-25T00:30Z", Reason.QUIET),  # 02:30, the first time
        ("2026-10-25T01:30Z", Reason.QUIET),  # 02:30, the second time
        ("2026-10-25T04:59Z", Reason.QUIET),  # 05:59 in winter time
        ("2026-10-25T05:00Z", Reason.PUSH),  # 06:00
    ],
)
def test_quiet_hours_over_midnight_keep_the_users_clock_when_it_is_changed(moment: str, reason: Reason) -> None:
    now = Now(round(datetime.fromisoformat(moment).timestamp() * 1000))
    night = target(quiet_start=22 * 60, quiet_end=6 * 60, time_zone="Europe/Berlin", created_at_ms=now.ms)

    assert decide(night, now) is reason


@pytest.mark.parametrize(
    ("minute", "reason"),
    [
        (21 * 60 + 59, Reason.PUSH),
        (22 * 60, Reason.QUIET),
        (23 * 60 + 59, Reason.QUIET),
        (0, Reason.QUIET),
        (6 * 60 + 59, Reason.QUIET),
        (7 * 60, Reason.PUSH),
    ],
)
def test_quiet_hours_begin_with_their_first_minute_and_end_before_their_last(minute: int, reason: Reason) -> None:
    midnight = Now(1_700_006_400_000)  # 2023-11-15T00:00Z
    now = Now(midnight.ms + minute * 60_000)

    assert decide(target(quiet_start=22 * 60, quiet_end=7 * 60, created_at_ms=now.ms), now) is reason


def test_without_any_facts_the_message_is_gone() -> None:
    assert decide(None, NOW) is Reason.GONE


def test_the_first_reason_wins_where_several_apply() -> None:
    assert decide(target(read_seq=7, messages_enabled=False, devices=[]), NOW) is Reason.READ
