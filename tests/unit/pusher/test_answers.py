"""What came of a call, and what it left to do."""

from dataclasses import replace

import msgspec
import pytest

from pusher.answers import Group, answered_of, judged, writable
from pusher.outcomes import Ambiguous, Apart, DeviceBusy, Late, Outcome, Rejected, Retry, Sent, Stopped
from pusher.planning import Push, let_go_of
from tests.unit.pusher.targets import PHONE, WANTED

PUSH = Push((WANTED,), PHONE, since=7)


def on(platform: str | None) -> Push:
    return replace(PUSH, device=msgspec.structs.replace(PHONE, platform=platform))


@pytest.mark.parametrize("said", [Sent("t"), Rejected("MessageTooBig")])
def test_what_is_settled_leaves_nothing(said: Outcome) -> None:
    answered = answered_of([(PUSH, said)], set(), [])

    assert (answered.again, answered.apart, answered.left.unsettled, answered.left.postponed) == ([], [], set(), set())


@pytest.mark.parametrize(("said", "pause"), [(Late(), 0.0), (Retry("TOO_MANY_REQUESTS", 2.0), 2.0)])
def test_what_expo_did_not_take_is_tried_again_at_once_while_the_pause_is_short(said: Outcome, pause: float) -> None:
    answered = answered_of([(PUSH, said)], set(), [])

    assert (answered.again, answered.pause_seconds, answered.left.unsettled) == ([PUSH], pause, set())


@pytest.mark.parametrize("said", [Retry("TOO_MANY_REQUESTS", 30.0), Ambiguous("HTTP 502"), Stopped("UNAUTHORIZED")])
def test_what_must_wait_goes_back_to_where_it_came_from(said: Outcome) -> None:
    answered = answered_of([(PUSH, said)], set(), [])

    assert (answered.again, answered.left.unsettled) == ([], PUSH.keys)


def test_a_busy_device_and_a_halted_platform_wait_in_their_burst() -> None:
    assert answered_of([(PUSH, DeviceBusy("MessageRateExceeded"))], set(), []).left.postponed == PUSH.keys
    assert answered_of([], set(), [PUSH]).left.postponed == PUSH.keys


def test_what_failed_together_is_grouped() -> None:
    other = on("android")

    answered = answered_of([(PUSH, Apart("x", "a")), (other, Apart("x", "b")), (PUSH, Apart("x", "a"))], set(), [])

    assert answered.apart == [Group([PUSH, PUSH]), Group([other])]
    assert answered.left.unsettled == set()


def test_a_foreign_projects_credentials_are_its_own_affair() -> None:
    assert judged([Stopped("UNAUTHORIZED"), Sent("t")], foreign=True) == [Rejected("UNAUTHORIZED"), Sent("t")]
    assert judged([Stopped("UNAUTHORIZED")], foreign=False) == [Stopped("UNAUTHORIZED")]


def test_who_lost_its_lease_writes_down_only_what_is_settled() -> None:
    """Another worker is at the rest by now, and must not be disturbed."""
    answered: list[tuple[Push, Outcome]] = [
        (PUSH, said) for said in (Sent("t"), Rejected("x"), Ambiguous("x"), Retry("x"), Late())
    ]

    assert writable(answered, leased=True) == answered
    assert writable(answered, leased=False) == answered[:2]


def test_one_push_of_a_halted_platform_goes_as_a_probe_and_the_others_wait() -> None:
    phones = [on("ios"), on("android"), on("ios"), on(None)]

    waiting = let_go_of(phones, {"ios": False})
    probing = let_go_of(phones, {"ios": True})

    assert waiting.pushes == [phones[1], phones[3]]
    assert (waiting.held, waiting.probes) == ([phones[0], phones[2]], set())
    assert probing.pushes == [phones[0], phones[1], phones[3]]
    assert (probing.held, probing.probes) == ([phones[2]], {"ios"})
