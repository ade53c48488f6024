"""What a search asks for, read from the words that a person typed. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from persistence.search.folding import fold
from shared.ids import canonical_id

HAS: Final[Mapping[str, str]] = {"attachment": "attachment", "file": "attachment", "link": "link"}

# A filter with its value, a phrase in quotes, or a word; a quote that nobody closes is a part of its word.
_PART = re.compile(r'(?:(?P<key>from|in|has|before|after):)?(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))', re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = timedelta(microseconds=1)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """`words` are folded, each must stand somewhere. `people` and `rooms` are ids, or folded names: any one of them.
    `before` and `after` are exclusive."""

    words: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    has: frozenset[str] = frozenset()
    before: datetime | None = None
    after: datetime | None = None

    @property
    def is_nothing(self) -> bool:
        return self == Wanted()


def read(text: str) -> Wanted:
    """`from:` (a person's id, handle, or `me`), `in:` (a conversation's id, or a part of its name), `has:attachment`,
    `has:link`, `before:` and `after:` (a day or a time; `after:` a day means from that day on), `"a phrase"`, and
    words. What looks like a filter and is none is a word."""
    wanted = Wanted()
    for part in _PART.finditer(text):
        key, value = (part["key"] or "").lower(), part["phrase"] if part["word"] is None else part["word"]
        filtered = _filtered(wanted, key, value) if key else None
        wanted = filtered or _with_word(wanted, value if not key else part[0].replace('"', ""))
    return wanted


def _with_word(wanted: Wanted, text: str) -> Wanted:
    word = fold(text).strip(" ")
    return wanted._replace(words=(*wanted.words, word)) if word and word not in wanted.words else wanted


def _filtered(wanted: Wanted, key: str, value: str) -> Wanted | None:
    """None for a value that the filter does not know."""
    match key:
        case "from" | "in" if name := canonical_id(value) or fold(value.removeprefix("@")).strip(" "):
            named = (*wanted.people, name) if key == "from" else (*wanted.rooms, name)
            return wanted._replace(people=named) if key == "from" else wanted._replace(rooms=named)
        case "has" if kind := HAS.get(value.lower()):
            return wanted._replace(has=wanted.has | {kind})
        case "before" if moment := moment_of(value):
            return wanted._replace(before=min(moment, wanted.before or moment))
        case "after" if moment := moment_of(value):
            # From the first moment of a day on.
            from_on = clamped(moment - _INSTANT) if _DAY.fullmatch(value) else moment
            return wanted._replace(after=max(from_on, wanted.after or from_on))
    return None


def moment_of(value: str) -> datetime | None:
    """A day or a time of ISO 8601; of UTC where it does not say. None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return clamped(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def clamped(moment: datetime) -> datetime:
    """In UTC, and at an end of the times that messages may have where it lies beyond."""
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)
