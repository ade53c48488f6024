"""What a request costs its caller: a token, and more of them for what it makes the server read, write or send."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BYTES_PER_TOKEN = 8192
"""Of a body, counted by its declared length before any of it is read: so nobody fills memory with bodies that are
sent slowly."""


@dataclass(frozen=True)
class Cost:
    """One token, and one more for each `per` of what `size` counts in the decoded body and query.

    Of what is dear at most a third of the burst has to be there at once; the rest is owed, and is paid before the
    next request passes.
    """

    size: Callable[[Any, Any], int] | None = None
    per: int = 10

    def extra(self, body: Any, query: Any) -> float:
        """Tokens beside the first one; 0 where there is not a whole one more."""
        more = 0 if self.size is None else self.size(body, query) / self.per
        return more if more >= 1 else 0.0


FLAT = Cost()


def body_tokens(content_length: int | None, max_bytes: int) -> float:
    """What a body costs before it is read. Without a declared length it is as long as it may be."""
    length = max_bytes if content_length is None else min(content_length, max_bytes)
    return length / BYTES_PER_TOKEN if length >= BYTES_PER_TOKEN else 0.0
