"""Whatever is thrown at it is answered in the error shape, never by a 500, and never told with a stack trace."""

import asyncio
import gzip
import logging
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import urlsplit

import orjson
import pytest

from shared.ids import new_id
from tests.integration.rest.conftest import Rest

ID = new_id()
SQL = "'; DROP TABLE messages; --"

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "no JSON": b"hello",
    "half an object": b'{"text": "x"',
    "a trailing comma": b'{"text": "x",}',
    "two objects": b"{}{}",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1",
    "a string": b'"x"',
    "NaN": b'{"text": NaN, "isTyping": NaN, "conversations": NaN}',
    "Infinity": b'{"text": -Infinity}',
    "1e400": b'{"conversations": {"%s": 1e400}, "messageIds": 1e400}' % ID.encode(),
    "a leading zero": b'{"text": 01}',
    "a huge number": b'{"conversations": {"%s": %s}}' % (ID.encode(), b"9" * 5000),
    "a negative seq": b'{"conversations": {"%s": -1}}' % ID.encode(),
    "a fraction": b'{"conversations": {"%s": 1.5}}' % ID.encode(),
    "bad UTF-8": b'{"text": "\xff\xfe", "token": "\xc0\x80"}',
    "bad UTF-8 in what is ignored": b'{"other": "\xed\xa0\x80"}',
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "a BOM": b'\xef\xbb\xbf{"text": "x"}',
    "a lone high surrogate": b'{"text": "\\ud800", "participantIds": ["\\ud800"], "token": "\\ud800"}',
    "a lone low surrogate": b'{"text": "\\udc00"}',
    "NUL": b'{"text": "a\\u0000b", "clientId": "\\u0000", "name": "\\u0000", "token": "\\u0000"}',
    "a raw NUL": b'{"text": "a\x00b"}',
    "NUL outside": b'\x00{"text": "x"}',
    "depth 33": b'{"other": ' + b"[" * 32 + b"]" * 32 + b"}",
    "depth 10,000": b'{"other": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "depth without an end": b'{"a":' * 10_000,
    "a 64 KiB string": orjson.dumps({"text": "x" * 65_536}),
    "a megabyte": orjson.dumps({"text": "x" * 1_048_576}),
    "wrong types": b'{"text": 1, "participantIds": "x", "messageIds": {}, "isTyping": "true", "conversations": [],'
    b' "token": 1, "messages_enabled": "yes"}',
    "nulls": b'{"text": null, "participantIds": null, "messageIds": null, "isTyping": null, "conversations": null,'
    b' "token": null, "messages_enabled": null}',
    "ids that are none": b'{"participantIds": ["x"], "messageIds": ["x"], "status": "read", "conversations": {"x": 1},'
    b' "token": "x", "text": " ", "isTyping": 1, "time_zone": "x"}',
    "SQL in every string": orjson.dumps(
        {
            "participantIds": [SQL],
            "messageIds": [SQL],
            "status": SQL,
            "conversations": {SQL: 1},
            "asOf": SQL,
            "token": SQL,
            "text": "x",
            "replyTo": SQL,
            "isTyping": SQL,
            "preview": SQL,
        }
    ),
    "an unknown status": b'{"messageIds": ["%s"], "status": "sent"}' % ID.encode(),
    "a client id too long": orjson.dumps({"text": "x", "clientId": "x" * 65}),
    "an empty client id": b'{"text": "x", "clientId": ""}',
    "a list too long": orjson.dumps({"messageIds": [ID] * 1001, "participantIds": [ID] * 1001, "status": "read"}),
}

ROUTES = [
    ("POST", "/api/conversations"),
    ("POST", f"/api/conversations/{ID}/messages"),
    ("POST", f"/api/conversations/{ID}/messages/status"),
    ("POST", f"/api/conversations/{ID}/typing"),
    ("POST", "/api/sync"),
    ("POST", "/notifications/register-token"),
    ("DELETE", "/notifications/token"),
    ("POST", "/notifications/preferences"),
]

HARMLESS = {("/notifications/preferences", name) for name in ("1e400", "a huge number", "a negative seq", "a fraction")}
"""Bodies without a field that the route knows: all of its fields may be absent."""

QUERIES = [
    "limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=%00", "limit=1&limit=2", "limit=NaN", "limit=%FF",
    "limit=" + "9" * 30 + "x",
]  # fmt: skip
HISTORY_QUERIES = [
    "page=0", "page=99999999999999999999", "before=-1", "after=x", "before=9007199254740992", "after=%D9%A3",
]  # fmt: skip
CURSORS = ["cursor=x", f"cursor=1.{SQL}", "cursor=", f"cursor=999999999999999.{ID}", "cursor=%00", f"cursor=1.{ID}%0A"]
IDS = ["x", "%00", "..%2f..", "%FF%FE", "'%3B--", ID[:-1], ID + "0", ID.replace("-", ""), "%F0%9F%98%80"]


@pytest.fixture(autouse=True)
def no_fault_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    faults = [
        record for record in caplog.records if record.name.startswith("asyncio") or record.levelno >= logging.ERROR
    ]
    assert [record for record in faults if record.name != "aiohttp.server"] == []


async def _refused(rest: Rest, method: str, path: str, body: bytes | None = None) -> str:
    """What went wrong with the answer; nothing if it is a clean refusal."""
    answer = await rest.person().ask(method, path, data=None if body is None else BytesIO(body))
    text = await answer.text()
    if not 400 <= answer.status < 500:
        return f"{method} {path}: {answer.status} {text[:200]}"
    shape = orjson.loads(text)
    if not shape.get("error") or not shape.get("code") or "Traceback" in text:
        return f"{method} {path}: {text[:200]}"
    return "" if answer.status == 413 or shape.get("field") else f"{method} {path}: no field in {text[:200]}"


@pytest.mark.parametrize("name", BODIES)
async def test_a_malformed_body_is_refused_by_every_route(rest: Rest, name: str) -> None:
    routes = [(method, path) for method, path in ROUTES if (path, name) not in HARMLESS]

    troubles = [await _refused(rest, method, path, BODIES[name]) for method, path in routes]

    assert [
        trouble for (_, path), trouble in zip(routes, troubles, strict=True) if trouble and not _is_fine(path, name)
    ] == []


def _is_fine(path: str, name: str) -> bool:
    """A route takes no notice of fields that it does not know, and so finds some of the bodies in order."""
    if path == "/notifications/preferences":
        return b'"messages_enabled"' not in BODIES[name] and b"time_zone" not in BODIES[name]
    return (path, name) in {("/api/sync", "a megabyte"), ("/api/sync", "a 64 KiB string")}


async def test_malformed_queries_are_refused(rest: Rest) -> None:
    history = f"/api/conversations/{ID}/messages"
    paths = [
        *(f"{path}?{query}" for path in ("/api/conversations", history) for query in QUERIES),
        *(f"{history}?{query}" for query in HISTORY_QUERIES),
        *(f"/api/conversations?{query}" for query in CURSORS),
    ]

    assert [trouble for path in paths if (trouble := await _refused(rest, "GET", path))] == []


async def test_malformed_ids_are_refused(rest: Rest) -> None:
    paths = [("GET", f"/api/conversations/{one}/messages") for one in IDS]
    paths += [("DELETE", f"/api/conversations/{one}") for one in IDS]

    assert [trouble for method, path in paths if (trouble := await _refused(rest, method, path))] == []


async def test_what_no_route_takes_is_told_in_the_same_shape(rest: Rest) -> None:
    for method, path, status, code in (
        ("GET", "/nothing", 404, "not_found"),
        ("PUT", "/api/conversations", 405, "method_not_allowed"),
        ("TRACE", "/health", 405, "method_not_allowed"),
        ("GET", "/api/conversations//messages", 404, "not_found"),
    ):
        answer = await rest.person().ask(method, path)
        assert (answer.status, (await answer.json())["code"]) == (status, code)
        assert status != 405 or answer.headers["Allow"]


async def test_a_body_that_cannot_be_unpacked_is_malformed_and_a_bomb_is_too_large(rest: Rest) -> None:
    ann = rest.person()
    headers = {"Authorization": f"Bearer {ann.token}", "Content-Encoding": "gzip"}

    async def status_of(body: bytes) -> int:
        async with rest.http.post("/api/conversations", data=body, headers=headers) as answer:
            return answer.status

    assert await status_of(b"this is no gzip") == 400
    assert await status_of(gzip.compress(b"x" * 200_000_000)) == 413


RAW = {
    "no HTTP": b"hello\r\n\r\n",
    "no version": b"GET /health\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost: x\r\nsecret-token-xyz\r\n\r\n",
    "a NUL in a header": b"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-token-xyz\x00\r\n\r\n",
    "a header too long": b"GET /health HTTP/1.1\r\nHost: x\r\nX: secret-token-xyz" + b"x" * 100_000 + b"\r\n\r\n",
    "a line too long": b"GET /health?token=secret-token-xyz" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes beyond ASCII in the path": b"GET /\xff\xfe?a=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "bytes beyond ASCII in a query": b"GET /health?a=\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "bytes beyond ASCII in the token": b"GET /api/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n"
    b"Connection: close\r\n\r\n",
    "an odd target": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a broken chunk": b"POST /api/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "a negative length": b"POST /api/sync HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /api/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "an expectation": b"GET /health HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
async def test_what_is_hardly_http_harms_nobody(rest: Rest, name: str) -> None:
    target = urlsplit(rest.url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    writer.write(RAW[name])
    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()

    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5"))
    assert b"Traceback" not in answer
    async with rest.http.get("/health") as health:
        assert health.status == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault(rest: Rest) -> None:
    ann = rest.person()
    target = urlsplit(rest.url)
    head = f"POST /api/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\nContent-Length: 999\r\n\r\n{{"
    for _ in range(3):
        _, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(head.encode())
        await writer.drain()
        writer.transport.abort()

    await ann.get("/api/conversations")
