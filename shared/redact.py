"""Takes secrets out of whatever is about to be logged: tokens of users and services, push tokens, passwords.

It knows secrets by their shape and by the name they stand under, and rather takes too much than too little. What it
cannot know is a secret that stands alone in a text, with no name beside it and no shape: do not log such.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "<redacted>"
DEEPEST = 8
"""Levels of nested values that are looked into; what lies deeper is left out whole."""

LONGEST = 32_768
"""Characters of one text that are kept: enough for a traceback, and a bound for what a stranger can make us scan."""

_NAME = (
    r"(?:tokens?|secrets?|passwords?|passwd|pwd|jwt|api[_-]?key|(?:proxy-)?authorization|(?:set-)?cookie"
    r"|sec-websocket-protocol)"
)
_SECRET_NAME = re.compile(rf"[a-z0-9_-]*{_NAME}", re.IGNORECASE)

_HINTS = ("ey", "token", "secret", "passw", "pwd", "jwt", "key", "authorization", "cookie", "bearer", "basic", "://",
          "sec-websocket", "parley_sk_", "parley_inv_", "/invites/", "whsec_")  # fmt: skip
"""Without one of these in it a text holds nothing to hide; looking for them first makes most texts cheap."""

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # The brackets of a push token may be percent-encoded in a path or a query.
    (re.compile(r"(Expo(?:nent)?PushToken)(?:\[|%5B)[^\]%\s]*(?:\]|%5D)?", re.IGNORECASE), rf"\1{HIDDEN}"),
    # A server key, of which the id may stay; and a webhook's secret, in base64, plain or percent-encoded.
    (re.compile(r"(parley_sk_(?:[0-9a-f]{32}(?![0-9A-Za-z]))?)[0-9A-Za-z_]+"), rf"\1{HIDDEN}"),
    (re.compile(r"whsec_[A-Za-z0-9+/=_%-]+"), HIDDEN),
    # What a link into a group carries, wherever it stands; and whatever stands in its place in a path.
    (re.compile(r"(parley_inv_)[0-9A-Za-z_-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(/api/invites/)[^/?\s\"']+"), rf"\1{HIDDEN}"),
    # A JWT begins with the base64 of `{"`; the dots and all that follows belong to it.
    (re.compile(r"eyJ[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]*)*"), HIDDEN),
    # A header to the end of its line, whatever it holds.
    (
        re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie|sec-websocket-protocol):[^\r\n]+", re.IGNORECASE),
        rf"\1: {HIDDEN}",
    ),
    # `Bearer X`, `Basic X`, and the subprotocol's `bearer, X`, plain or percent-encoded.
    (re.compile(r"\b(bearer|basic)((?:[\s,+:=\"']|%20|%2C)+)[^\s\"',)\]}]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # `token=X` in a query or a form, the sign plain or percent-encoded.
    (re.compile(rf"({_NAME})(=|%3D)(?!{HIDDEN})[^&\s\"'#(\[]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # `"token": "X"`, `('token', b'X')`, `token='X'` and `secrets=('X', 'Y')`, as JSON and Python print them.
    (
        re.compile(rf"({_NAME}[\"']?\s*[:,=]\s*b?)(?:\"[^\"]*\"?|'[^']*'?|[\[(][^\])]*)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # The password of `postgres://user:password@host`, which may itself hold an @.
    (re.compile(r"(://[^\s/:@\"']*:)[^\s/\"']*@"), rf"\1{HIDDEN}@"),
)


LONGEST_NAME = 64
"""Characters of a field's name that is remembered: ours are shorter, and a stranger's may have any length."""


def _is_secret_name(name: str) -> bool:
    return _remembered(name) if len(name) <= LONGEST_NAME else _SECRET_NAME.fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _remembered(name: str) -> bool:
    """Lines have few names, the same again and again, and the pattern was the dearest part of a line."""
    return _SECRET_NAME.fullmatch(name) is not None


def _has_hint(lower: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - any() costs three times as much, for each field of each line
        if hint in lower:
            return True
    return False


_PLAIN = frozenset({bool, int, float, type(None)})


def is_harmless(fields: Mapping[str, Any]) -> bool:
    """Whether `redact_under` would leave every one of these fields as it is; most lines are told so by one look."""
    texts = []
    for name, value in fields.items():
        if type(value) is str:
            texts.append(value)
        elif type(value) not in _PLAIN:
            return False
        if value is not None and _is_secret_name(name):
            return False
    whole = "\n".join(texts)
    return len(whole) <= LONGEST and not _has_hint(whole.lower())


def redact_text(text: str) -> str:
    """The text without anything in it that looks like a secret, cut at `LONGEST`."""
    text = text[:LONGEST]
    if not _has_hint(text.lower()):
        return text
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def redact(value: Any, depth: int = DEEPEST) -> Any:
    """The same value without secrets, made only of what JSON knows: any other object becomes its redacted repr."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_nested(value, depth - 1) if depth > 0 else "…"
    return redact_text(repr(value))


def _redact_nested(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {redact_text(str(key)): redact_under(str(key), item, depth) for key, item in value.items()}
    return [redact(item, depth) for item in value]


def redact_under(name: str, value: Any, depth: int = DEEPEST) -> Any:
    """The same, of a value that stands under a name: all of it is hidden where the name is a secret's."""
    if value is not None and _is_secret_name(name):
        return HIDDEN
    return redact(value, depth)
