"""The judge of the push soak sees each broken promise."""

import pytest

from tests.support.fake_expo import Accepted
from tests.system.push.verdict import Kill, busiest_second, judge

NOW = 1_000_000.0


def told(
    token: str = "t", seq: int = 1, at: float = NOW, *, ambiguous: bool = False, key: str = "room", caller: str = "one"
) -> Accepted:
    message = {"data": {"seq": seq, "messageId": f"m{seq}"}, "collapseId": key}
    return Accepted(token, message, at, "ticket", ambiguous, caller)


def killed(pusher: str = "one", at: float = NOW + 1, message_id: str = "m1", token: str = "t") -> Kill:
    return Kill(pusher, at, frozenset({(message_id, token)}))


def test_everybody_told_once_holds() -> None:
    assert judge([told("a"), told("b")], {"a": 1, "b": 1}).holds


def test_who_was_not_told_of_the_newest_is_missed() -> None:
    assert judge([told("a", seq=1)], {"a": 2, "b": 1}).missed == ["a", "b"]


def test_a_second_telling_needs_a_cause() -> None:
    assert judge([told(), told()], {"t": 1}).unexplained == ["t"]
    assert judge([told(ambiguous=True), told()], {"t": 1}).repeated_ambiguous == 1
    assert judge([told(), told(caller="two")], {"t": 1}, [killed()]).repeated_killed == 1


@pytest.mark.parametrize(
    "kill",
    [
        killed(at=NOW - 1),
        killed("two"),
        killed(message_id="m2"),
        killed(token="another"),
        Kill("one", NOW + 1, frozenset()),
    ],
    ids=["before the call", "another pusher", "another message", "another device", "its outcome was written down"],
)
def test_a_death_explains_only_the_dead_pushers_own_open_calls(kill: Kill) -> None:
    assert judge([told(), told()], {"t": 1}, [kill]).unexplained == ["t"]


def test_each_telling_after_the_first_needs_a_cause_of_its_own() -> None:
    verdict = judge([told(ambiguous=True), told(), told()], {"t": 1})

    assert (verdict.repeated_ambiguous, verdict.unexplained, verdict.repeats) == (1, ["t"], 2)


def test_a_second_telling_under_another_key_breaks_the_promise() -> None:
    assert not judge([told(ambiguous=True), told(key="other")], {"t": 1}).holds


def test_a_call_over_the_limit_breaks_it() -> None:
    assert not judge([told()], {"t": 1}, over_limit=1).holds
    assert busiest_second([NOW + number / 700 for number in range(700)]) == 700
