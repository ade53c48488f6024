"""Words are compared alike wherever they come from, and lead back to where they stand."""

from hypothesis import given

from persistence.search.excerpts import excerpt
from persistence.search.folding import fold, folded
from tests.unit.persistence.search.scripts import compared, texts


@given(texts)
def test_a_fold_is_what_the_plain_model_makes(text: str) -> None:
    assert fold(text) == compared(text)
    assert fold(fold(text)) == fold(text)


@given(texts)
def test_every_place_of_a_fold_leads_back_to_characters_that_fold_to_it(text: str) -> None:
    way = folded(text)
    assert way.text == fold(text)
    for begin in range(len(way.text)):
        first, end = way.origin(begin, begin + 1)
        assert way.text[begin] in fold(text[first:end])


@given(texts, texts)
def test_what_is_marked_of_an_excerpt_holds_a_word_and_marks_never_overlap(text: str, other: str) -> None:
    word = fold(other[:3]).strip()
    shown = excerpt(text * 9, [word] if word else [])
    units = shown.text.encode("utf-16-le")
    ends = [0, *(end for _, end in shown.marks)]
    for (begin, end), before in zip(shown.marks, ends, strict=False):
        assert before <= begin < end <= len(units) // 2
        units[2 * begin : 2 * end].decode("utf-16-le")
    if shown.marks:
        begin, end = shown.marks[0]
        marked = fold(units[2 * begin : 2 * end].decode("utf-16-le"))
        assert word in marked or marked in word


def test_an_excerpt_of_a_long_text_shows_the_first_word_found_between_signs_of_omission() -> None:
    shown = excerpt("filler " * 100 + "The needle " + "filler " * 100, ["needle"])

    [[begin, end]] = shown.marks
    assert shown.text[begin:end] == "needle"
    assert shown.text.startswith("…filler ")
    assert shown.text.endswith("…")
    assert len(shown.text) <= 162


def test_letters_that_are_several_when_folded_are_marked_whole() -> None:
    assert excerpt("Die Straße", ["ss"]).marks == [[8, 9]]
    assert excerpt("cafe\u0301s", ["cafe"]).marks == [[0, 5]]
    assert excerpt("한국어", ["국"]).marks == [[1, 2]]
