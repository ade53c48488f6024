"""Requests without a token that would be answered 429 anyway, answered unread: parsing one costs ten times as much as
refusing it. Who sends a token is always read: a connection may carry the requests of many users.
"""

from random import getrandbits

import msgspec

from shared.http.errors import limited

SERVER = "parley"
_BODY = msgspec.json.encode(limited(1).body)
_HEAD = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\nServer: parley\r\n"
    b"Content-Length: %d\r\n" % len(_BODY)
)
_READ = (b"forwarded", b"\nvia:", b"\norigin:", b"content-length", b"transfer-encoding", b"authorization:", b"upgrade:")
"""In what a proxy sends for many clients, in what a web page is told only with CORS headers, where a body is, and who
may have a token."""


def refusals(data: bytes) -> int:
    """How many whole requests these bytes are, each of which this limit refuses; 0 where one may be another's, or where
    they cannot be told apart without being parsed."""
    if not data.startswith(b"GET /") or not data.endswith(b"\r\n\r\n") or data.startswith(b"GET /health"):
        return 0
    lowered = data.lower()
    for sign in _READ:
        if sign in lowered:
            return 0
    return data.count(b"\r\n\r\n")


def refused(count: int) -> bytes:
    """So many answers."""
    return b"".join(_HEAD + b"X-Request-Id: %016x\r\n\r\n" % getrandbits(64) + _BODY for _ in range(count))
