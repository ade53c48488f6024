"""Each kind of durable event is known wherever a kind has to be: no place forgets one."""

import re
from pathlib import Path

import pytest

from services.verify.reduce import REDUCERS
from shared.events.kinds import KINDS
from tests.unit.docs.test_golden_frames import golden
from tests.unit.docs.test_websocket import examples

NAMES = [kind.name for kind in KINDS]
CLIENT = Path(__file__).parents[3] / "client/src/durable/index.ts"


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_a_golden_frame_an_example_in_the_docs_and_a_reducer_of_the_checker(name: str) -> None:
    assert name in {one["frame"]["type"] for one in golden("server-frames.json")}
    assert examples(f"server: {name}"), f"docs/websocket.md shows no {name}"
    assert name in REDUCERS


def test_the_checker_reduces_no_kind_that_is_none() -> None:
    assert REDUCERS.keys() <= set(NAMES)


def test_codes_and_names_are_used_once() -> None:
    assert len({kind.code for kind in KINDS}) == len(set(NAMES)) == len(KINDS)


@pytest.mark.skipif(not CLIENT.exists(), reason="the client has no table of kinds")
@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_a_reducer_of_the_client(name: str) -> None:
    assert name in re.findall(r"^\s+'([\w.]+)':", CLIENT.read_text(), re.MULTILINE)
