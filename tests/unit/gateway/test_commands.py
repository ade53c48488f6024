import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.session.commands import (
    AppEvent,
    Auth,
    BadFrame,
    Delivered,
    Join,
    Leave,
    Ping,
    Read,
    State,
    Typing,
    decode,
)

ROOM = "b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21"


@pytest.mark.parametrize(
    ("frame", "command"),
    [
        ({"type": "ping"}, Ping()),
        ({"type": "ping", "ref": "a"}, Ping(ref="a")),
        ({"type": "ping", "ref": 7}, Ping(ref=7)),
        ({"type": "join", "conversationId": ROOM, "ref": "j"}, Join(conversation_id=ROOM, ref="j")),
        ({"type": "leave", "conversationId": ROOM.upper()}, Leave(conversation_id=ROOM)),
        (
            {"type": "typing", "conversationId": ROOM, "isTyping": True},
            Typing(conversation_id=ROOM, is_typing=True),
        ),
        ({"type": "state", "active": False}, State(active=False)),
        ({"type": "delivered", "conversationId": ROOM, "seq": 3}, Delivered(conversation_id=ROOM, seq=3)),
        (
            {"type": "read", "conversationId": ROOM, "seq": 3, "colour": "green"},
            Read(conversation_id=ROOM, seq=3),
        ),
        (
            {"type": "event", "conversationId": ROOM, "name": "x", "data": [1]},
            AppEvent(conversation_id=ROOM, name="x", data=msgspec.Raw(b"[1]")),
        ),
        ({"type": "auth", "token": "x.y.z"}, Auth(token="x.y.z")),
    ],
)
def test_each_frame_of_the_contract_is_understood(frame: dict[str, object], command: object) -> None:
    assert decode(orjson.dumps(frame)) == command


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'"ping"',
        b'{"type":"ping"',
        b'{"type":"ping"} x',
        b'{"type":7}',
        b'{"type":"ping","ref":NaN}',
        b'{"type":"ping","ref":1.5}',
        b'{"type":"ping","ref":{"a":1}}',
        b'{"type":"ping","ref":true}',
        b'{"type":"ping","ref":"\\ud800"}',
        b'{"type":"ping","ref":"\\udc00"}',
        b'{"type":"ping","ref":"a\\u0000b"}',
        b'{"type":"ping","ref":' + b"9" * 30 + b"}",
        b'{"type":"ping","ref":"' + b"x" * 200 + b'"}',
        b'{"type":"ping","deep":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"type":"join"}',
        b'{"type":"join","conversationId":"\' OR 1=1 --"}',
        b'{"type":"join","conversationId":"b7c9a3b04d0e4b528a521f3f7f0f8d21"}',
        b'{"type":"read","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","seq":-1}',
        b'{"type":"read","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","seq":"3"}',
        b'{"type":"read","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","seq":1e300}',
        b'{"type":"event","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","name":"x","data":"\\ud800"}',
        b'{"type":"event","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","name":"x","data":NaN}',
        b'{"type":"event","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","name":"x","data":1e999}',
        b'{"type":"event","conversationId":"b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21","name":"x","data":'
        + b"[" * 33
        + b"]" * 33
        + b"}",
        b'{"type":"state","active":"yes"}',
        b'{"type":"auth","token":null}',
    ],
)
def test_a_malformed_frame_is_told_from_a_command(data: bytes) -> None:
    answer = decode(data)
    assert isinstance(answer, BadFrame)
    assert answer.code == "malformed_frame"


def test_an_unknown_type_is_named_as_such_and_keeps_its_ref() -> None:
    assert decode(b'{"type":"dance","ref":"r1"}') == BadFrame("unknown_type", "No frame has this type", "r1")


@pytest.mark.parametrize("data", [b'{"type":"join","ref":9}', b'{"type":["join"],"ref":9}', b'{"ref":9}'])
def test_a_malformed_frame_keeps_its_ref(data: bytes) -> None:
    answer = decode(data)
    assert isinstance(answer, BadFrame)
    assert answer.ref == 9


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), lambda x: st.lists(x)).map(orjson.dumps))
def test_no_bytes_make_decoding_raise(data: bytes) -> None:
    assert decode(data) is not None
