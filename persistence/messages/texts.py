"""What a message's text may be: the same whether it is sent or edited."""

from typing import Final

from shared import texts

MAX_TEXT: Final = 8000
"""Code points, after trimming."""
MAX_OPAQUE_BYTES: Final = 44 * 1024
"""Of a text that the server only passes on: 32 KiB of an app's own encryption in base64, and some words around it."""


def trimmed(text: str) -> str:
    """Empty where nothing of it would show."""
    bare = text.replace("\r\n", "\n").strip()
    return "" if texts.shows_nothing(bare) else bare


def fault_of(text: str, *, opaque: bool, beside_file: bool) -> str | None:
    """What is wrong with a trimmed text, in words for whoever sent it."""
    if not text:
        return None if beside_file else "required, and something of it must show, unless there is a mediaUrl or a file"
    if opaque:
        return f"at most {MAX_OPAQUE_BYTES} bytes" if len(text.encode()) > MAX_OPAQUE_BYTES else None
    return f"at most {MAX_TEXT} characters" if len(text) > MAX_TEXT else None
