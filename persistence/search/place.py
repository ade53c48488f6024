"""Where a message stands among all that a search reads."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.http.fields import MAX_SEQ
from shared.ids import canonical_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """The greater one is the newer one; at the same time the conversation's id decides."""

    at: datetime
    conversation_id: str
    seq: int

    def to_cursor(self) -> str:
        """URL-safe text, to be given back as it is."""
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.conversation_id}.{self.seq}"

    @classmethod
    def from_cursor(cls, text: str) -> "Place | None":
        """None for what `to_cursor` never wrote."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in (parts[0], parts[2])):
            return None
        if len(parts[0]) > 16 or len(parts[2]) > 16 or (known := canonical_id(parts[1])) is None:
            return None
        return cls(_EPOCH + int(parts[0]) * _MICROSECOND, known, min(int(parts[2]), MAX_SEQ))

    def within(self, conversation_id: str) -> "Place":
        """What lies below this place is, within that conversation, what lies below the place given."""
        if self.conversation_id == conversation_id:
            return self
        if conversation_id < self.conversation_id:
            return Place(self.at, conversation_id, MAX_SEQ)
        return Place.before(self.at, conversation_id)

    @classmethod
    def before(cls, at: datetime, conversation_id: str) -> "Place":
        """Above all of that conversation from before this time, and below all from it on."""
        return cls(at - _MICROSECOND, conversation_id, MAX_SEQ)
