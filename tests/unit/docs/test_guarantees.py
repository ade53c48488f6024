"""docs/guarantees.md: every test that it names as proof is there, and so is every command."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "guarantees.md").read_text()
PROMISES = re.findall(r"^\| (\d) \| \*\*(.+?)\*\*.*\| (.+?) \|$", TEXT, re.MULTILINE)


def proofs(text: str) -> set[str]:
    return set(re.findall(r"`(tests/[\w/.]+)`", text))


@pytest.mark.parametrize("path", sorted(proofs(TEXT)))
def test_a_proof_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_each_promise_has_its_number_and_names_a_test() -> None:
    assert [number for number, _, _ in PROMISES] == list("123456789")
    for _, promise, shown_by in PROMISES:
        assert proofs(shown_by), promise


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z-]+)", TEXT))))
def test_a_command_that_is_named_is_a_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
