"""Commands show what strangers wrote: no terminal obeys any of it."""

import re
from pathlib import Path

import pytest

from persistence.trace.store import RecipientTrace
from pusher.dead_letters import DeadLetter
from services.commands import deadletters, trace
from services.fleet.process import Process
from services.fleet.table import tables
from services.printing import say
from tests.unit.shared.test_texts import INVISIBLE

COMMANDS = Path(deadletters.__file__).parent
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202eevil\r\nforged line"


def harmless(shown: str) -> bool:
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)


def test_what_is_said_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    for name in INVISIBLE["names"]:
        say(f"to {name}\nfrom {HOSTILE}")

    assert harmless(capsys.readouterr().out)


@pytest.mark.parametrize("file", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_no_command_prints_past_it(file: Path) -> None:
    printed = re.findall(r"(?<![\w.])print\((.*)", file.read_text())

    assert printed in ([], ['"\\x1b[2J\\x1b[H", end="")']), "stats clears the screen between two looks"


def test_a_dead_letter_takes_two_lines_whatever_it_holds() -> None:
    shown = deadletters._line(DeadLetter("1700000000000-0", HOSTILE.encode("utf-8") + b"\xff", HOSTILE))

    assert harmless(shown)
    assert len(shown.splitlines()) == 2
    assert "\\u001b]0;owned\\u0007\\u009b31m\\u202eevil\\u000d\\u000aforged line" in shown


def test_a_process_takes_one_line_of_the_table_whatever_its_name() -> None:
    shown = tables([Process(HOSTILE, "gateway", "http://x", 0, 0, [HOSTILE])], 0)

    assert harmless(shown)
    assert len(shown.splitlines()) == 2


def test_a_recipient_of_a_trace_takes_one_line_whatever_their_handle() -> None:
    recipient = RecipientTrace(
        "u", HOSTILE, None, False, None, False, None, False, None, None, None, None, None, devices=[]
    )

    [first, *_] = trace._recipient(recipient)

    assert harmless(first)
    assert len(first.splitlines()) == 1
