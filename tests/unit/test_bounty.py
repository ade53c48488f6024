import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.conversations import bounty

ids = st.one_of(st.text().filter(lambda text: text not in bounty.NONE), st.integers())


@given(ids)
def test_a_bounty_id_comes_back_as_it_came(bounty_id: str | int) -> None:
    text = bounty.to_text(bounty_id)

    assert bounty.from_text(text) == bounty_id
    assert type(bounty.from_text(text)) is type(bounty_id)


@given(ids, ids)
def test_two_bounties_never_share_a_text(one: str | int, other: str | int) -> None:
    assert (bounty.to_text(one) == bounty.to_text(other)) == (one == other)


@pytest.mark.parametrize("nothing", [None, "", "null", "undefined"])
def test_what_an_app_sends_for_no_bounty_is_none(nothing: str | None) -> None:
    assert bounty.to_text(nothing) is None


def test_a_number_and_the_same_digits_as_a_string_are_two_bounties() -> None:
    assert bounty.to_text(42) != bounty.to_text("42")


def test_an_ordinary_string_is_kept_as_it_is() -> None:
    assert bounty.to_text("fix-the-door") == "fix-the-door"
