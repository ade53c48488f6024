"""From bytes to a typed request, or to a 400 that names the field. Pure: no I/O, no aiohttp."""

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

from shared.http.errors import ApiError, malformed, too_large
from shared.http.fields import PATTERN_WORDS

T = TypeVar("T")

MAX_DEPTH = 32
"""Objects and arrays inside each other, the outermost included."""

_KEEP_BRACKETS = bytes.maketrans(b"{}", b"[]")
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
    """Raises ApiError 400 where JSON lies deeper than MAX_DEPTH; in time linear in the body, whatever it holds."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRINGS.sub(b"", body).translate(_KEEP_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # each round takes away the innermost level
        brackets = brackets.replace(b"[]", b"")
    if brackets:
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
