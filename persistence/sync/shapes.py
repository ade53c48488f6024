"""The shape of a request to sync."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.fields import (
    AS_OF_PATTERN,
    PLACE_PATTERN,
    Id,
    Seq,
)


class SyncBody(msgspec.Struct, rename="camel"):
    """What the client has: the last seq of each conversation, and `asOf` of the last complete answer; `after` is the
    `next` of an answer that had one, and then those need not be named of which it told everything."""

    conversations: dict[Id, Seq]
    as_of: Annotated[str, Meta(pattern=AS_OF_PATTERN)] | None = None
    after: Annotated[str, Meta(pattern=PLACE_PATTERN)] | None = None
    compact: Annotated[bool, Meta(description="messages as they stand now, instead of all that happened")] | None = None
