import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.auth.handle import clean_handle


@pytest.mark.parametrize(
    "unusable",
    [None, "", "   ", 7, ["ann"], {"a": 1}, True, "x" * 65, "\u200b\u202e", "\x00\x01", "\ud800", "\u200d", "\u0301"],
)
def test_what_nobody_could_read_is_no_handle(unusable: object) -> None:
    assert clean_handle(unusable) is None


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


@given(st.text(alphabet=["0", " ", "\u200b", "\n", "\u0301", "\u2800", "\x1b", "\u2028"]))
@example("0 \u200b 0")
def test_a_handle_has_single_spaces_however_blanks_and_invisible_characters_are_mixed(written: str) -> None:
    seen = clean_handle(written) or ""

    assert seen == " ".join(seen.split())


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=100))
def test_whatever_is_written_what_others_see_can_be_stored_and_sent(written: str) -> None:
    seen = clean_handle(written)
    if seen is not None:
        assert 1 <= len(seen) <= 64
        assert "\x00" not in seen
        assert seen == seen.strip() == clean_handle(seen)
        seen.encode()
