"""What media asks of persistence: `/internal/media/…`, paths and JSON shapes. All are POST with the service token.

Media holds no database: who may read and write, which upload has how much room, and what becomes of it is asked here.
"""

from enum import StrEnum

import msgspec

from shared.api import Shape

ACCESS = "/internal/media/access"
LOOK = "/internal/media/look"
BEGIN = "/internal/media/begin"
KEEP = "/internal/media/keep"
END = "/internal/media/end"
DROP = "/internal/media/drop"
CLAIM = "/internal/media/claim"
FINISHED = "/internal/media/finished"
GARBAGE = "/internal/media/garbage"
COLLECTED = "/internal/media/collected"

MOST_ASKS = 1000
"""Questions at once."""
WRITER_SECONDS = 4.0
"""How long a writer that says nothing more keeps its upload from others: a dead one frees it so soon."""
PROCESSING_SECONDS = 90.0
"""How long a process may take to look at a file before another one takes it up."""
LINK_SECONDS = 300
"""How long a link leads anywhere; membership is asked at each use all the same."""

INLINE_TYPES = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "image/gif", "image/avif",
        "video/mp4", "video/webm", "audio/webm", "audio/ogg", "video/ogg", "audio/mp4", "audio/mpeg",
    }
)  # fmt: skip
"""What a browser may show in place, by its bytes. All else is a download."""
ANY_TYPE = "application/octet-stream"


class Ask(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """May this user have the bytes? `session_id` is the sign-in of their token; None where a link names them."""

    attachment_id: str
    user_id: str
    session_id: str | None = None


class AccessRequest(Shape):
    asks: list[Ask]


class File(Shape):
    """`blob` names the bytes in storage, `thumb` the blob whose thumbnail is this one's; None: there is none."""

    blob: str
    name: str
    content_type: str
    size: int
    sha256: str
    thumb: str | None = None


class AccessAnswer(Shape):
    """In the order of the asks; None: there is no such thing for this user."""

    files: list[File | None]


class State(StrEnum):
    """Why an upload may not be written to; OPEN: it may."""

    OPEN = "open"
    MISSING = "missing"
    EXPIRED = "expired"
    BUSY = "busy"
    DONE = "done"


class UploadRequest(Shape):
    """`writer` names the request that writes. LOOK and DROP need none."""

    attachment_id: str
    user_id: str
    session_id: str | None = None
    writer: str = ""


class UploadAnswer(Shape):
    """`size` as it was announced; 0 where it is missing. `expires_at` in Unix seconds."""

    state: State
    size: int = 0
    expires_at: float = 0.0


class KeepRequest(Shape):
    """This writer goes on; `complete` at END: the last byte is there, and the file is to be looked at."""

    attachment_id: str
    writer: str
    complete: bool = False


class KeepAnswer(Shape):
    """`kept` is false where another writer has taken the upload, or it is gone. `job` at END, if it was complete."""

    kept: bool
    job: "Job | None" = None


class Job(Shape):
    """A whole upload to look at. `writer` is who does so."""

    attachment_id: str
    writer: str
    kind: str
    content_type: str
    size: int
    encrypted: bool = False


class ClaimRequest(Shape):
    """Uploads whose looking-at nobody does any more, for this one to do."""

    writer: str
    limit: int


class ClaimAnswer(Shape):
    jobs: list[Job]


class FinishedRequest(Shape):
    """`reason`: it was rejected; else it is ready, and this is what was measured."""

    attachment_id: str
    writer: str
    reason: str | None = None
    content_type: str = ANY_TYPE
    size: int = 0
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    thumbhash: str | None = None
    has_thumb: bool = False


class FinishedAnswer(Shape):
    """False where it is gone, or another one does it: then the bytes are the collector's."""

    kept: bool


class GarbageRequest(Shape):
    limit: int


class GarbageAnswer(Shape):
    """`blobs` nobody refers to any more; `parts`: uploads that are over, whose pieces may still lie there."""

    blobs: list[str]
    parts: list[str]


class CollectedRequest(Shape):
    """What storage holds no more."""

    blobs: list[str]
    parts: list[str]


class Done(Shape):
    pass
