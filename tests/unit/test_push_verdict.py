"""The judge of the push soak sees each broken promise."""

from tests.support.fake_expo import Accepted
from tests.system.push.verdict import judge

NOW = 1_000_000.0


def told(token: str = "t", seq: int = 1, at: float = NOW, *, ambiguous: bool = False, key: str = "room") -> Accepted:
    return Accepted(token, {"data": {"seq": seq}, "collapseId": key}, at, "ticket", ambiguous)


def test_everybody_told_once_holds() -> None:
    assert judge([told("a"), told("b")], {"a": 1, "b": 1}, []).holds


def test_who_was_not_told_of_the_newest_is_missed() -> None:
    assert judge([told("a", seq=1)], {"a": 2, "b": 1}, []).missed == ["a", "b"]


def test_a_second_telling_needs_a_cause() -> None:
    assert judge([told(), told()], {"t": 1}, []).unexplained == ["t"]
    assert judge([told(ambiguous=True), told()], {"t": 1}, []).repeated_ambiguous == 1
    assert judge([told(), told()], {"t": 1}, [NOW + 1]).repeated_killed == 1
    assert judge([told(), told()], {"t": 1}, [NOW - 1]).unexplained == ["t"], "killed before the call"


def test_a_second_telling_under_another_key_breaks_the_promise() -> None:
    assert not judge([told(ambiguous=True), told(key="other")], {"t": 1}, []).holds


def test_more_than_600_within_a_second_break_it() -> None:
    flood = [told(f"t{number}", at=NOW + number / 700) for number in range(700)]

    assert judge(flood, {}, []).most_in_a_second == 700
