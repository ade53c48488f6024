"""A file as the contract gives it, and the outcomes of announcing and using one."""

from typing import Any, Final, NamedTuple

import msgspec

from persistence.database.pool import Row
from persistence.database.view import View

PLACEHOLDERS: Final = {"image": "📷 Photo", "video": "🎥 Video", "voice": "🎤 Voice message", "file": "📎 File"}
"""The text of a message that has files and no words, for who knows no files."""

HELD: Final = (
    "id, kind, name, content_type, coalesce(stored_size, size) AS size, width, height, duration_ms, waveform, thumbhash"
)
"""The columns of a file that a message holds."""
COLUMNS: Final = f"{HELD}, state, reason, extract(epoch FROM expires_at)::float8 AS until"
"""Those of one that its owner asks about."""


class Attachment(View, frozen=True):
    """A file that a message holds. Sizes of pictures are measured; what stands of a sound or a film is its sender's."""

    id: str
    kind: str
    name: str
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    waveform: list[float] | None = None
    thumbhash: str | None = None


class Upload(Attachment, frozen=True):
    """The same as its owner sees it on its way. `state`: waiting, processing, ready or rejected, then with a `reason`:
    `type`, `broken`, `too_many_pixels`, `scan`, or `expired`."""

    state: str = "waiting"
    reason: str | None = None


class Announced(NamedTuple):
    """`expires_at` in Unix seconds. `is_new`: not the owner's earlier one with the same client id."""

    upload: Upload
    expires_at: float
    is_new: bool


class OverQuota(NamedTuple):
    """The user announced as much as a day takes; `retry_after_seconds` until the next one."""

    retry_after_seconds: float


class NoSuchPoster(NamedTuple):
    """It is no picture of the caller that is ready."""


class NoSuchFiles(NamedTuple):
    """One of them is not the sender's, not ready, used already, or made for elsewhere."""


class Taken(NamedTuple):
    """Files that a message may hold, in the order in which they were named; locked until the transaction ends."""

    files: list[Attachment]

    def encoded(self) -> str:
        """As a message's row keeps them."""
        return msgspec.json.encode(self.files).decode()

    @property
    def placeholder(self) -> str:
        return PLACEHOLDERS.get(self.files[0].kind, PLACEHOLDERS["file"])


_held = msgspec.json.Decoder(list[Attachment]).decode


def held_files(kept: str | None) -> list[Attachment]:
    """The files that a message's row has."""
    return _held(kept) if kept else []


def attachment_of(row: Row) -> Attachment:
    return Attachment(**_fields(row))


def upload_of(row: Row) -> Upload:
    expired = row["state"] == "expired"
    state, reason = ("rejected", "expired") if expired else (row["state"], row["reason"])
    return Upload(**_fields(row), state=state, reason=reason)


def _fields(row: Row) -> dict[str, Any]:
    waveform = row["waveform"]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "content_type": row["content_type"],
        "size": row["size"],
        "width": row["width"],
        "height": row["height"],
        "duration_ms": row["duration_ms"],
        "waveform": None if waveform is None else msgspec.json.decode(waveform),
        "thumbhash": row["thumbhash"],
    }
