"""Where the files of deploy/ are, and how a tool judges them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"

Mutation = tuple[str, str]
"""A text in a file, and the mistake in its place."""


def run(program: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def of_this_environment(program: str) -> str:
    """A program that a locked package installed beside the interpreter."""
    return str(Path(sys.executable).with_name(program))


def accepts(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stdout + result.stderr


def refuses(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode != 0, "the mistake was not noticed\n" + result.stdout + result.stderr


def with_mistake(source: Path, target: Path, mutation: Mutation) -> Path:
    """A copy of the file in `target` that has the mistake."""
    right, wrong = mutation
    text = source.read_text()
    assert right in text, f"{source.name} has no {right!r} to replace"
    target.write_text(text.replace(right, wrong, 1))
    return target


def documents(*paths: Path) -> list[dict[str, Any]]:
    """Every YAML document of these files."""
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every scalar within nested mappings and lists, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def find(items: Sequence[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    [only] = [item for item in items if wanted(item)]
    return only
