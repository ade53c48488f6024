"""Hundreds of malformed requests and frames: each gets a clean 4xx or an `error`, and the log stays free of traces."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from shared.ids import new_id
from tests.support.person import Person
from tests.support.up import Up, started_up

INJECTION = "'; DROP TABLE messages; --"
DEEP = b"[" * 10_000 + b"]" * 10_000
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"{}}",
    b'{"text": NaN}',
    b'{"text": Infinity}',
    b'{"text": "\\ud800"}',
    b'{"text": "a\\u0000b"}',
    b'{"text": "\xff\xfe"}',
    b'{"text": 7}',
    b'{"text": ""}',
    b'{"text": "   "}',
    b'{"text": null}',
    b'{"text": {"$gt": ""}}',
    b'{"text": "x", "clientId": ""}',
    b'{"text": "x", "replyTo": "nope"}',
    b'{"text": "x", "deep": ' + DEEP + b"}",
    DEEP,
    json.dumps({"text": "x" * 8001}).encode(),
    json.dumps({"text": "x" * 1_000_000}).encode(),
    b'{"participantIds": []}',
    b'{"participantIds": "all"}',
    b'{"participantIds": [null]}',
    b'{"participantIds": ["' + INJECTION.encode() + b'"]}',
    b'{"messageIds": [], "status": "read"}',
    b'{"messageIds": ["x"], "status": "eaten"}',
    b'{"isTyping": "yes"}',
    b'{"token": "not a token"}',
    b'{"token": "' + INJECTION.encode() + b'"}',
    b'{"messages_enabled": "maybe"}',
    b'{"conversations": []}',
    b'{"conversations": {"' + INJECTION.encode() + b'": 1}}',
    b'{"conversations": {}, "asOf": "yesterday"}',
]
FRAMES: list[bytes | str] = [
    "",
    "null",
    "[]",
    "{}",
    "{",
    "7",
    '{"type": 7}',
    '{"type": "fly"}',
    '{"type": "join"}',
    '{"type": "join", "conversationId": 7}',
    '{"type": "join", "conversationId": "' + INJECTION + '"}',
    '{"type": "typing", "conversationId": "%s"}',
    '{"type": "typing", "conversationId": "%s", "isTyping": "yes"}',
    '{"type": "read", "conversationId": "%s", "seq": "many"}',
    '{"type": "read", "conversationId": "%s", "seq": -1}',
    '{"type": "read", "conversationId": "%s", "seq": NaN}',
    '{"type": "delivered", "conversationId": "%s", "seq": 1e400}',
    '{"type": "state", "active": 1}',
    '{"type": "auth", "token": 7}',
    '{"type": "auth", "token": "eyJ.eyJ.sig"}',
    '{"type": "ping", "ref": {"deep": []}}',
    '{"type": "\\ud800"}',
    '{"type": "join", "conversationId": "\\u0000"}',
    '{"type": "ping", "deep": ' + "[" * 5000 + "]" * 5000 + "}",
    b"\x00\x01binary",
]


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    limits = {
        "RATE_LIMIT_USER": "100000:100000",
        "RATE_LIMIT_ADDRESS": "100000:100000",
        "RATE_LIMIT_FRAMES": "9999:9999",
    }
    async with started_up(tmp_path / "data", tmp_path / "up.log", **limits) as running:
        yield running


def routes(room: str, foreign: str) -> Iterator[tuple[str, str]]:
    for conversation in (room, foreign, "nope", "%00", INJECTION.replace(" ", "%20")):
        yield "POST", f"/api/conversations/{conversation}/messages"
        yield "POST", f"/api/conversations/{conversation}/messages/status"
        yield "POST", f"/api/conversations/{conversation}/typing"
    yield from (("POST", path) for path in ("/api/conversations", "/api/sync", "/notifications/register-token"))
    yield "POST", "/notifications/preferences"
    yield "DELETE", "/notifications/token"


QUERIES = [
    "/api/conversations?limit=0",
    "/api/conversations?limit=many",
    "/api/conversations?cursor=%27%3B--",
    "/api/conversations?cursor=%00",
    "/api/conversations/nope/messages",
    "/api/conversations/{room}/messages?page=0",
    "/api/conversations/{room}/messages?limit=-5",
    "/api/conversations/{room}/messages?before=x",
    "/api/conversations/{room}/messages?after=99999999999999999999999",
    "/api/conversations/{foreign}/messages",
    "/api/presence",
    "/api/presence?userIds=all",
    "/api/presence?userIds=%00",
]


async def test_no_malformed_request_or_frame_is_more_than_a_clean_error(up: Up, http: aiohttp.ClientSession) -> None:
    ada, bob, eve = (_person(up, http, handle) for handle in ("ada", "bob", "eve"))
    room = await ada.converse(bob)
    foreign = await bob.converse(eve)

    requests: list[tuple[str, str, bytes | None]] = [
        (*route, body) for route in routes(room, foreign) for body in BODIES
    ]
    requests += [("GET", path.format(room=room, foreign=foreign), None) for path in QUERIES]
    statuses = [await _send(http, up, ada, *request) for request in requests]
    answers = await _frames(ada, room)

    assert len(statuses) + len(answers) >= 300
    assert set(statuses) <= {200, 400, 403, 404, 413}
    taken = {path for (_, path, _), status in zip(requests, statuses, strict=True) if status == 200}
    assert taken == {"/notifications/preferences"}, "they are left as they are; nothing else here is well-formed"
    assert set(answers) == {"error"}
    await _still_well(up, ada, bob, room)


async def test_an_unmasked_frame_and_bad_utf8_close_that_socket_alone(up: Up, http: aiohttp.ClientSession) -> None:
    ada, bob = _person(up, http, "ada"), _person(up, http, "bob")
    room = await ada.converse(bob)

    unmasked = await asyncio.to_thread(_raw_frame, up.url, ada.token, b"\x81\x02{}")
    bad_text = await asyncio.to_thread(_raw_frame, up.url, ada.token, b"\x81\x82\x00\x00\x00\x00\xc3\x28")

    assert unmasked == 1002
    assert bad_text == 1007
    await _still_well(up, ada, bob, room)


async def _send(http: aiohttp.ClientSession, up: Up, person: Person, method: str, path: str, body: bytes | None) -> int:
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    async with http.request(method, URL(up.url + path, encoded=True), data=body, headers=headers) as response:
        answer = await response.json()
        if response.status >= 400:
            assert set(answer) <= {"error", "code", "field"}, answer
        return response.status


async def _frames(person: Person, room: str) -> list[str]:
    """Sends each, with a ping behind it; gives the types of what was answered before the pong."""
    answers = []
    async with person.phone() as phone:
        for number, frame in enumerate(FRAMES):
            if isinstance(frame, bytes):
                await phone.socket.send_bytes(frame)
            else:
                await phone.socket.send_str(frame.replace("%s", room))
            await phone.say("ping", ref=f"after {number}")
            await phone.frame("pong", ref=f"after {number}")
        kinds = [one["type"] for one in phone.seen if one["type"] not in ("connected", "pong")]
        assert len(kinds) == len(FRAMES)
        answers += kinds
    return answers


async def _still_well(up: Up, ada: Person, bob: Person, room: str) -> None:
    async with bob.phone() as phone:
        await ada.send(room, INJECTION)
        await phone.frame("message.new", text=INJECTION)
    assert "Traceback" not in up.log()
    assert '"level":"error"' not in up.log()


def _raw_frame(url: str, token: str, frame: bytes) -> int:
    """Sends these bytes on an upgraded socket; the code it is closed with."""
    parts = urlsplit(url)
    with sockets.create_connection((parts.hostname, parts.port), timeout=10) as raw:
        request = (
            f"GET /messages/subscribe HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        raw.sendall(request.encode() + frame)
        received = b"".join(iter(lambda: raw.recv(4096), b""))
    close = received.rindex(b"\x88")
    return int.from_bytes(received[close + 2 : close + 4], "big")


def _person(up: Up, http: aiohttp.ClientSession, handle: str) -> Person:
    user_id = new_id()
    return Person(http, up.url, up.token(user_id, handle), user_id=user_id)
