"""What stands in the receipts stream is trusted by nobody: it is read strictly, or not at all."""

from typing import Any

import msgspec
import pytest

from persistence.receipts.stream import FIELD, LAST_MS, LAST_SEQ, parse
from shared.streams import Cursor, ReceiptBatch, Seen
from shared.wire import VERSION

ROOM, USER = "5f2a8c0d-ca95-41c9-ba84-1370dc75d878", "8289e1c7-5cf0-42f0-a5f2-a52e8954152e"


def entry_of(**fields: Any) -> bytes:
    return msgspec.json.encode(ReceiptBatch(**{"gateway": "g1", "number": 1, **fields}))


def test_a_batch_comes_out_as_it_was_put_in() -> None:
    batch = ReceiptBatch("g1", 9, again=True, cursors=[Cursor(ROOM, USER, 3, 2, LAST_SEQ)], seen=[Seen(USER, LAST_MS)])
    entry = parse(b"5-0", {FIELD: msgspec.json.encode(batch)})
    assert (entry.id, entry.batch, entry.trouble) == ("5-0", batch, "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"gateway":"g1"}',
        b'{"gateway":1,"number":1}',
        b'{"gateway":"g1","number":1,"cursors":[["a"]]}',
        b'\xff{"gateway":"g1","number":1}',
        entry_of(version=VERSION + 1),
        entry_of(cursors=[Cursor("room", USER)]),
        entry_of(cursors=[Cursor(ROOM, USER.upper())]),
        entry_of(cursors=[Cursor(ROOM, USER, delivered=-1)]),
        entry_of(cursors=[Cursor(ROOM, USER, read=LAST_SEQ + 1)]),
        entry_of(seen=[Seen("nobody", 1)]),
        entry_of(seen=[Seen(USER, LAST_MS + 1)]),
        entry_of(seen=[Seen(USER, -1)]),
    ],
)
def test_what_cannot_be_applied_says_why(raw: bytes) -> None:
    entry = parse(b"5-0", {FIELD: raw})
    assert entry.batch is None
    assert entry.trouble


def test_an_entry_without_its_field_says_why() -> None:
    assert parse(b"5-0", {b"other": entry_of()}).batch is None


def test_fields_of_a_later_release_are_skipped() -> None:
    raw = entry_of()[:-1] + b',"later":{"a":[1]}}'
    assert parse(b"5-0", {FIELD: raw}).batch == ReceiptBatch("g1", 1)
