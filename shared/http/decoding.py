"""From bytes to a typed request, or to a 400 that names the field. Pure: no I/O, no aiohttp."""

import re
from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Generic, TypeVar

import msgspec

from shared.http.errors import ApiError, malformed, too_large
from shared.http.fields import PATTERN_WORDS

T = TypeVar("T")

MAX_DEPTH = 32
"""Objects and arrays inside each other, the outermost included."""

MOST_MARKS = 128 * 1024
"""Opening brackets and quotes, of what has any depth: a text of 64 KiB may be full of them. Measured for 1 MiB: 3 ms,
where all of them were looked at 140."""

_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""One level down, and one up as a signed byte."""
_PIECE = 4096
"""Brackets that are summed up at a time: of what is too deep the rest is not looked at."""
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# Possessive, and the closing quote may be missing: so it never goes back, and takes linear time on any bytes.
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

_WHOLE_FLOAT = "got `float`"
_PATH = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`\Z")
_NAMED = re.compile(r"(?:missing required|unknown) field `([^`]*)`")
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'\Z", re.DOTALL)


class BodyDecoder(Generic[T]):
    """Decodes a JSON body of at most `max_bytes` into `shape`, strictly; made once per route."""

    def __init__(self, shape: type[T], max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._shape = shape
        self._decode = msgspec.json.Decoder(shape).decode

    def decode(self, body: bytes) -> T:
        """Raises ApiError: 413 for too many bytes; 400 for what is not strict JSON, or not of the shape."""
        if len(body) > self.max_bytes:
            raise too_large(self.max_bytes)
        check_depth(body)
        try:
            # What the decoder skips it does not check for being UTF-8; the whole of it has to be.
            return self._decode(body.decode())
        except msgspec.ValidationError as error:
            if _WHOLE_FLOAT in str(error):
                return self._decode_whole_floats(body)
            raise _misshapen(str(error)) from None
        except (msgspec.DecodeError, UnicodeError):
            raise malformed("body", "the body must be JSON in UTF-8" if body else "a JSON body is required") from None

    def _decode_whole_floats(self, body: bytes) -> T:
        """JSON knows one kind of number: 5.0 is a whole one. Rare, so only what was refused comes this way."""
        try:
            return msgspec.convert(_with_whole_numbers(msgspec.json.decode(body)), self._shape)
        except msgspec.ValidationError as error:
            raise _misshapen(str(error)) from None
        except msgspec.DecodeError:
            raise malformed("body", "the body must be JSON in UTF-8") from None


class QueryDecoder(Generic[T]):
    """Decodes a query string's parameters into `shape`; unknown ones are ignored, repeated ones refused."""

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._names = frozenset(field.encode_name for field in msgspec.structs.fields(shape))  # type: ignore[arg-type]

    def decode(self, parameters: Iterable[tuple[str, str]]) -> T:
        """Raises ApiError 400."""
        values: dict[str, Any] = {}
        for name, value in parameters:
            if name in values:
                raise malformed(name, "given twice")
            if name in self._names:
                values[name] = value
        try:
            return msgspec.convert(values, self._shape, strict=False)
        except msgspec.ValidationError as error:
            raise _misshapen(str(error)) from None


def check_depth(body: bytes) -> None:
    """Raises ApiError 400 where JSON lies deeper than MAX_DEPTH, or has more than MOST_MARKS brackets and quotes; in
    time linear in the body, whatever it holds.
    """
    opening = body.count(b"[") + body.count(b"{")
    if opening <= MAX_DEPTH:
        return
    if opening + body.count(b'"') > MOST_MARKS:
        raise malformed("body", f"the body must be JSON with at most {MOST_MARKS} strings, arrays and objects")
    steps = _STRINGS.sub(b"", body).translate(_STEPS, _NOT_BRACKETS)
    depth = 0
    for start in range(0, len(steps), _PIECE):
        depths = list(accumulate(array("b", steps[start : start + _PIECE]), initial=depth))  # summed up by C
        depth = depths[-1]
        if max(depths) > MAX_DEPTH:
            raise malformed("body", f"the body must be JSON, at most {MAX_DEPTH} deep")


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return value


def _misshapen(problem: str) -> ApiError:
    """From msgspec's sentence, such as "Expected `int`, got `str` - at `$.conversations[...]`"."""
    path = _PATH.search(problem)
    sentence = problem[: path.start()] if path else problem
    named = _NAMED.search(sentence)
    parts = [path[1] if path else "", named[1] if named else ""]
    field = ".".join(part for part in parts if part) or "body"
    return malformed(field.replace("[...]", ""), _in_words(sentence))


def _in_words(sentence: str) -> str:
    if _NAMED.search(sentence):
        return "required"
    pattern = _PATTERN.match(sentence)
    if pattern is None:
        return sentence.replace("`", "").replace("Expected", "expected")
    return "expected " + PATTERN_WORDS.get(pattern[1].encode().decode("unicode_escape"), "another form")
