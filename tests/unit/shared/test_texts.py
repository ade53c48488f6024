"""What one person shows another: the cases of tests/cases, and what must hold of every text."""

import json
from pathlib import Path

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from shared import texts

CASES = Path(__file__).parents[2] / "cases"
INVISIBLE = json.loads((CASES / "invisible.json").read_text())
CLUSTERS = dict(json.loads((CASES / "graphemes.json").read_text())["clusters"])

ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None), max_size=80)
TRICKY = st.lists(
    st.sampled_from([*CLUSTERS.values(), "\u2066", "\u2067", "\u2068", "\u2069", "\u202e", "\u202c", "a", " "])
).map("".join)


@pytest.mark.parametrize("text", INVISIBLE["texts_that_show_nothing"], ids=ascii)
def test_a_text_of_invisible_characters_shows_nothing(text: str) -> None:
    assert texts.shows_nothing(text)
    assert texts.line(text) == ""


@pytest.mark.parametrize("text", ["", "\u1160", "\uffa0", "\ufff9", "\U0001d159", "\U000e0100", "\x00\x1b", "\u2028"])
def test_so_does_every_other_character_that_is_only_a_place(text: str) -> None:
    assert texts.shows_nothing(text)


@pytest.mark.parametrize("text", ["x", "\u200bx", "\u0301", "\u0e35", "0", ".", *CLUSTERS.values()], ids=ascii)
def test_a_text_with_anything_to_see_shows_something(text: str) -> None:
    assert not texts.shows_nothing(text)


@pytest.mark.parametrize("name", INVISIBLE["names"], ids=lambda name: ascii(name[:20]))
def test_a_name_is_cleaned_of_bidi_controls_line_breaks_and_controls(name: str) -> None:
    cleaned = texts.line(name)

    assert not regex.search(r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]", cleaned)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Bank \u202eecivres", "Bank ecivres"),
        ("Apple ID \u202eSUPPORT\n\u001b[31mVerify", "Apple ID SUPPORT [31mVerify"),
        ("a\u2028b\x85c\x0bd", "a b c d"),
        ("\u3164ada\u2800\u2800lovelace", "ada lovelace"),
        ("0 \u200b 0", "0 0"),
        (CLUSTERS["tag flag of England"], CLUSTERS["tag flag of England"]),
        (CLUSTERS["rainbow flag"], CLUSTERS["rainbow flag"]),
    ],
)
def test_a_name_keeps_what_is_to_see_on_one_line(written: str, seen: str) -> None:
    assert texts.line(written) == seen


@given(ANY_TEXT)
@example("0 \u200b 0")
@example("a\u200b \u0301")
def test_a_line_has_single_spaces_inside_and_cleaning_it_again_changes_nothing(written: str) -> None:
    cleaned = texts.line(written)

    assert cleaned == " ".join(cleaned.split())
    assert texts.line(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
@pytest.mark.parametrize("before", [0, 1, 110, 117, 118, 119])
def test_no_cut_ends_inside_one_character_that_a_person_sees(cluster: str, before: int) -> None:
    text = "x" * before + cluster * 130

    cut = texts.shortened(text, 120)

    assert cut.endswith(texts.ELLIPSIS)
    assert len(cut) <= 120
    kept = cut.removesuffix(texts.ELLIPSIS)
    assert kept == "x" * before + cluster * ((len(kept) - before) // len(cluster))
    assert len(kept) > 119 - len(cluster), "as much as there is room for"


@pytest.mark.parametrize("text", ["x" * 120, CLUSTERS["family"] * 10, "", "\u2067open"])
def test_what_fits_is_left_as_it_is(text: str) -> None:
    assert texts.shortened(text, 120) == text


def test_a_long_isolate_is_cut_and_closed_rather_than_left_out() -> None:
    assert texts.shortened("\u2067" + "ש" * 200 + "\u2069", 120) == "\u2067" + "ש" * 117 + "\u2069…"
    assert texts.shortened("ab \u202e\u2066" + "x" * 200, 120).endswith("x\u2069\u202c…")


def test_a_character_longer_than_the_room_is_left_out_as_a_whole() -> None:
    assert texts.shortened("a" + "\u0334" * 500, 120) == "…"


@given(TRICKY | ANY_TEXT, st.integers(1, 40))
def test_a_cut_is_a_beginning_of_whole_characters_and_leaves_nothing_open(text: str, most: int) -> None:
    cut = texts.shortened(text, most)

    assert len(cut) <= most
    if cut != text:
        assert cut.endswith(texts.ELLIPSIS)
        kept = cut.removesuffix(texts.ELLIPSIS).rstrip("\u2069\u202c")
        assert text.startswith(kept)
        assert texts._open(cut) == []


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_is_left_in_what_is_escaped(text: str) -> None:
    shown = texts.escaped(text)

    assert not regex.search(r"[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]", shown)
    assert json.loads(texts.escaped_lines(json.dumps([text], ensure_ascii=False, indent=1))) == [text]
