"""The one rule for every text that one person shows another: what shows nothing, what a name is cleaned of, where a
text is cut, and how it is shown on a terminal.

Two kinds differ in what they may hold. A text has several lines, and marks that give it a direction, but no controls.
A line (a name, a title) has neither: it stands among words that are not its own.
"""

import re
import unicodedata
from collections.abc import Collection

import regex

ELLIPSIS = "…"
ENCRYPTED = "Encrypted message"
"""Shown in place of a text that is its app's own, in lists and in pushes."""

CONTROLS = r"\u0000-\u001f\u007f-\u009f"
"""C0, DEL and C1, as part of a class of characters."""
TEXT_CONTROLS = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
"""Those that a text may not hold: all but tab and newline."""
INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Unicode's default-ignorable characters of the basic plane, the fillers, and the blank of Braille."""

_ADDRESS = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*):(//[^/?#\s])?[^\s{CONTROLS}{INVISIBLE}]*\Z")
_NEEDS_HOST = ("http", "https")
_SHOWN = regex.compile(r"[^\s\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\ufff0-\ufffb\U0001d159\U00016fe4]")
_LINE_BLANKS = re.compile(r"[\u2800\u3164\uffa0]")
# The joiners U+200C and U+200D, the variation selectors and the tags stay: scripts, emoji and flags need them. Controls
# that are white space (U+000A, U+0085, …) become a space.
_LINE_UNWANTED = re.compile(
    r"[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\ud800-\udfff"
    r"\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb]"
)
_CLUSTER = regex.compile(r"\X")
_ISOLATES, _EMBEDDINGS = "\u2066\u2067\u2068", "\u202a\u202b\u202d\u202e"
_END_ISOLATE, _END_EMBEDDING = "\u2069", "\u202c"
_OBEYED = re.compile(f"[{CONTROLS}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shows_nothing(text: str) -> bool:
    """Whether nobody would see anything of it: blanks, fillers and invisible characters only, or nothing at all."""
    return _SHOWN.search(text) is None


def line(value: str) -> str:
    """The value on one line, in NFC, without controls, bidi controls and invisible characters; blanks are joined.

    Empty where nothing of it would be seen.
    """
    kept = _LINE_UNWANTED.sub("", _LINE_BLANKS.sub(" ", value))
    text = " ".join(unicodedata.normalize("NFC", kept).split())
    return "" if shows_nothing(text) else text


def is_address(value: str, schemes: Collection[str]) -> bool:
    """Whether it is an absolute URL of one of these schemes, with a host where HTTP wants one, on one visible line."""
    found = _ADDRESS.match(value)
    if found is None or (scheme := found[1].lower()) not in schemes:
        return False
    return bool(found[2]) or scheme not in _NEEDS_HOST


def shortened(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis: at most `most` code points in all.

    It never ends inside a character that a person sees (UAX #29), and closes every isolate and embedding that it leaves
    open. One isolate that does not fit is left out as a whole where at least half of the room is used without it.
    """
    if len(text) <= most:
        return text
    # One code point past the room tells whether the last character goes on.
    ends = [found.end() for found in _CLUSTER.finditer(text, 0, most + 1) if found.end() < most]
    for end in reversed([0, *ends]):
        kept = _before_open_isolate(text[:end], most // 2).rstrip()
        cut = kept + _closers(kept) + ELLIPSIS
        if len(cut) <= most:
            return cut
    return ELLIPSIS[:most]


def escaped(value: str) -> str:
    """The value with all that a terminal would obey, line breaks too, written as `\\u001b`."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def escaped_lines(text: str) -> str:
    """As `escaped`, of a text whose line breaks are the program's own. JSON stays the same JSON."""
    return "\n".join(map(escaped, text.split("\n")))


def _before_open_isolate(text: str, least: int) -> str:
    begin = _open(text)[0][1] if _open(text) else len(text)
    return text[:begin] if begin >= least else text


def _closers(text: str) -> str:
    """What ends that which is still open, the innermost first."""
    return "".join(_END_ISOLATE if mark in _ISOLATES else _END_EMBEDDING for mark, _ in reversed(_open(text)))


def _open(text: str) -> list[tuple[str, int]]:
    """The marks that begin an isolate or an embedding and are not ended, each with its place (UAX #9, X1 to X8)."""
    opened: list[tuple[str, int]] = []
    for place, one in enumerate(text):
        if one in _ISOLATES or one in _EMBEDDINGS:
            opened.append((one, place))
        elif one == _END_ISOLATE and any(mark in _ISOLATES for mark, _ in opened):
            while opened.pop()[0] not in _ISOLATES:
                pass
        elif one == _END_EMBEDDING and opened and opened[-1][0] in _EMBEDDINGS:
            opened.pop()
    return opened
