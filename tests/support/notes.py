"""`test.note`: a kind of durable event that only tests know. A release without it is one that a later one wrote to."""

from pathlib import Path

from persistence.database.pool import Pool, transaction
from persistence.log.append import append
from persistence.log.logged import Logged
from shared.events.kind import Body, EventKind


class Note(Body, frozen=True):
    words: str


NOTE = EventKind(9000, "test.note", Note)

SOURCE = '''"""`test.note`: what somebody noted."""

from shared.events.kind import Body, EventKind


class Note(Body, frozen=True):
    words: str


NOTE = EventKind(9000, "test.note", Note)
'''


def add_kind(source: Path) -> None:
    """Makes the kind one of this copy of the packages: one file, and one line in the list."""
    (source / "shared/events/test_note.py").write_text(SOURCE)
    kinds = source / "shared/events/kinds.py"
    text = kinds.read_text()
    line = "KINDS: Final[tuple[EventKind, ...]] = ("
    assert text.count(line) == 1
    kinds.write_text(text.replace(line, f"from shared.events.test_note import NOTE\n\n{line}NOTE, "))


async def note(pool: Pool, conversation_id: str, sender_id: str, words: str = "noted") -> Logged:
    """Committed, and published by nobody yet."""
    async with transaction(pool) as connection:
        return await append(connection, conversation_id, sender_id, NOTE, Note(words))
