"""Types of fields that several routes take; what they refuse is what the OpenAPI document says.

A pattern stands here with the words that an app's developer reads instead of it.
"""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from shared.texts import CONTROLS, INVISIBLE, TEXT_CONTROLS

_DIGIT = "[0-9a-fA-F]"
UUID_PATTERN = f"^{_DIGIT}{{8}}-{_DIGIT}{{4}}-{_DIGIT}{{4}}-{_DIGIT}{{4}}-{_DIGIT}{{12}}$"
NO_NUL_PATTERN = r"^[^\u0000]*$"
TEXT_PATTERN = rf"^[^{TEXT_CONTROLS}]*(?:\r\n[^{TEXT_CONTROLS}]*)*$"
"""A text for other people: tabs and line breaks are all the controls that it may hold."""
SHOWN_PATTERN = rf"[^\s{CONTROLS}{INVISIBLE}]"
"""Somebody would see something of it."""
LINE_PATTERN = rf"^\s*$|{SHOWN_PATTERN}"

_END = r"$(?!\n)"
"""Python's `$` alone would also match before a last line break; to JavaScript the two are one."""
WORD_PATTERN = rf"^[^{CONTROLS}]*{_END}"
"""A name that an app chose for a thing of its own."""
EXPO_TOKEN_PATTERN = rf"^Expo(nent)?PushToken\[[A-Za-z0-9_-]{{1,200}}\]{_END}"
TIME_OF_DAY_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_DAY = r"[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-9])|(?:0[13-9]|1[0-2])-30|(?:0[13578]|1[02])-31)"
_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
MOMENT_PATTERN = f"^{_DAY}{_CLOCK}{_END}"
DAY_PATTERN = f"^{_DAY}(?:{_CLOCK})?{_END}"

MAX_IDS = 200
"""In a list within a query: as many as fit into a request line."""
_UUID = UUID_PATTERN.strip("^$")
IDS_PATTERN = f"^(?:{_UUID}(?:,{_UUID}){{0,{MAX_IDS - 1}}})?$"
CURSOR_PATTERN = rf"^[0-9]{{1,14}}\.{_UUID}$"
EMOJI_CURSOR_PATTERN = rf"^{_UUID}\.[^\u0000]{{1,32}}{_END}"
PLACE_PATTERN = rf"^[0-9]{{1,18}}\.{_UUID}{_END}"
AS_OF_PATTERN = rf"^[0-9]{{1,18}}{_END}"

PATTERN_WORDS = {
    IDS_PATTERN: f"UUIDs separated by commas, at most {MAX_IDS}",
    CURSOR_PATTERN: "nextCursor of the page before",
    EMOJI_CURSOR_PATTERN: "nextCursor of the page before",
    PLACE_PATTERN: "next of the last answer",
    AS_OF_PATTERN: "asOf of the last answer",
    EXPO_TOKEN_PATTERN: "an Expo push token, ExponentPushToken[…] or ExpoPushToken[…]",
    TIME_OF_DAY_PATTERN: "a time of day, HH:MM",
    MOMENT_PATTERN: "a time such as 2026-11-22T20:15:04Z",
    DAY_PATTERN: "a day such as 2026-11-22, or a time such as 2026-11-22T20:15:04Z",
    UUID_PATTERN: "a UUID",
    NO_NUL_PATTERN: "text without NUL",
    TEXT_PATTERN: "text without control characters but tab and newline",
    LINE_PATTERN: "a name that shows something, or a blank one",
    WORD_PATTERN: "text without control characters",
}

MAX_SEQ = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""

# The lengths bound the pattern, as `_END` would.
Id = Annotated[
    str,
    Meta(
        pattern=UUID_PATTERN,
        min_length=36,
        max_length=36,
        extra_json_schema={"format": "uuid"},
        examples=["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    ),
]
"""A UUID in either case. Parley keeps the lower one: call `.lower()` before comparing or storing it."""

ClientId = Annotated[
    str,
    Meta(
        pattern=WORD_PATTERN,
        min_length=1,
        max_length=64,
        description="chosen by the app, one for each message: sent again, it gives the first message back",
    ),
]

Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]

Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN, examples=["2026-11-22T20:15:04.123Z"])]
"""A time with its zone, in a query: where a `datetime` would take a number for one. `moment_of` reads it."""

DayOrMoment = Annotated[str, Meta(pattern=DAY_PATTERN, examples=["2026-11-22"])]
"""A `Moment`, or a day: its first moment in UTC."""

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def moment_of(text: str) -> datetime:
    """In UTC, and at an end of the times that anything here has where it lies beyond. The 29th of a February that has
    none is the day after the 28th."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text.replace("-02-29", "-03-01", 1))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)
