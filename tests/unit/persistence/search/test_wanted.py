"""What a person types becomes what is looked for, and nothing that is typed fails."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.search.wanted import Wanted, read

DAY = datetime(2026, 3, 29, tzinfo=UTC)
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("Two  WORDS two", Wanted(words=("two", "words"))),
        ('"a phrase" and', Wanted(words=("a phrase", "and"))),
        ('"nobody closes it', Wanted(words=('"nobody', "closes", "it"))),
        ("12:30 http://x", Wanted(words=("12:30", "http://x"))),
        ("from:Ann from:@bob", Wanted(people=("ann", "bob"))),
        (f"from:{ID.upper()} in:{ID}", Wanted(people=(ID,), rooms=(ID,))),
        ('IN:"Garden Club" tea', Wanted(rooms=("garden club",), words=("tea",))),
        ("has:link has:file", Wanted(has=frozenset({"link", "attachment"}))),
        ("has:wings", Wanted(words=("has:wings",))),
        ("from: x", Wanted(words=("from:", "x"))),
        ("before:2026-03-29 before:2027-01-01", Wanted(before=DAY)),
        ("after:2026-03-29", Wanted(after=DAY - timedelta(microseconds=1))),
        ("after:2026-03-29T00:00:00Z", Wanted(after=DAY)),
        ("before:2026-03-29T02:00:00+02:00", Wanted(before=DAY)),
        ("before:yesterday", Wanted(words=("before:yesterday",))),
        ("\u0301 \u0640", Wanted()),
    ],
)
def test_filters_phrases_and_words_are_told_apart(typed: str, wanted: Wanted) -> None:
    assert read(typed) == wanted


KEYS = ["from:", "in:", "has:", "before:", "after:"]
PARTS = st.sampled_from([*KEYS, '"', " ", "a", "0001-01-01", "9999-12-31T23:59:59-14:00", ":", "link"])


@given(st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=12).map("".join)))
def test_nothing_that_is_typed_fails(typed: str) -> None:
    wanted = read(typed)
    assert all(word.strip() == word != "" for word in wanted.words)
