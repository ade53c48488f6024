import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.handle import clean_handle, handle_of

USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_the_handle_is_the_metadatas_else_the_email_addresses_local_part_else_made_of_the_id() -> None:
    metadata, email = {"user_metadata": {"handle": "ann"}}, {"email": "bob@example.com"}
    assert handle_of(metadata | email, USER) == "ann"
    assert handle_of(email, USER) == "bob"
    assert handle_of({}, USER) == "user_7c9e6679"


@pytest.mark.parametrize(
    "unusable",
    [None, "", "   ", 7, ["ann"], {"a": 1}, True, "x" * 65, "\u200b\u202e", "\x00\x01", "\ud800", "\u200d", "\u0301"],
)
def test_an_unusable_handle_falls_through_to_the_next_source(unusable: object) -> None:
    claims = {"user_metadata": {"handle": unusable}, "email": "bob@example.com"}
    assert handle_of(claims, USER) == "bob"
    assert handle_of({"user_metadata": {"handle": unusable}}, USER) == "user_7c9e6679"


@pytest.mark.parametrize("metadata", [None, [], "x", 7, {"handle": {"$ne": 1}}])
@pytest.mark.parametrize("email", [None, 7, "no-at-sign", "@example.com", "\x00@example.com", "x" * 65 + "@a"])
def test_nonsense_in_every_source_still_gives_a_handle(metadata: object, email: object) -> None:
    assert handle_of({"user_metadata": metadata, "email": email}, USER) == "user_7c9e6679"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("  ann \t lee\n", "ann lee"),
        ("a\x00n\x07n\x9b", "ann"),
        ("ann\u202etxt.exe", "anntxt.exe"),
        ("\u2066ann\u2069", "ann"),
        ("an\u200bn", "ann"),
        ("ann\ud83d", "ann"),
        ("e\u0301va", "\u00e9va"),
        ("x" * 64, "x" * 64),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("Ольга 李", "Ольга 李"),
    ],
)
def test_a_handle_is_shown_without_what_misleads_the_eye(written: str, seen: str) -> None:
    assert clean_handle(written) == seen


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=100))
def test_whatever_is_written_what_others_see_can_be_stored_and_sent(written: str) -> None:
    seen = clean_handle(written)
    if seen is not None:
        assert 1 <= len(seen) <= 64
        assert "\x00" not in seen
        assert seen == seen.strip() == clean_handle(seen)
        seen.encode()
