"""Requests that would be answered 429 anyway, answered unread: parsing one, and asking who sends it, costs ten times as
much as refusing it.
"""

from random import getrandbits

import msgspec

from shared.http.errors import Muting, limited

SERVER = "parley"
_BODY = msgspec.json.encode(limited(1).body)
_HEAD = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\nServer: parley\r\n"
    b"Content-Length: %d\r\n" % len(_BODY)
)
_OTHERS = (b"forwarded", b"\nvia:", b"\norigin:", b"content-length", b"transfer-encoding")
"""In what a proxy sends for many clients, in what a web page is told only with CORS headers, and where a body is."""
_BY_TOKEN = (b"authorization:", b"upgrade:")


def refusals(data: bytes, muting: Muting) -> int:
    """How many whole requests these bytes are, each of which this limit refuses; 0 where one may be another's, or where
    they cannot be told apart without being parsed."""
    if not data.startswith(b"GET /") or not data.endswith(b"\r\n\r\n") or data.startswith(b"GET /health"):
        return 0
    lowered = data.lower()
    signs = _OTHERS if muting is Muting.EVERYTHING else (*_OTHERS, *_BY_TOKEN)
    for sign in signs:
        if sign in lowered:
            return 0
    return data.count(b"\r\n\r\n")


def refused(count: int) -> bytes:
    """So many answers."""
    return b"".join(_HEAD + b"X-Request-Id: %016x\r\n\r\n" % getrandbits(64) + _BODY for _ in range(count))
