"""The shapes of a report on messages, as apps send it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.http.fields import Id


class Progress(msgspec.Struct, rename="camel"):
    """The caller has, or has read, all up to and with the newest of these messages."""

    message_ids: Annotated[list[Id], Meta(min_length=1)]
    status: Literal["delivered", "read"]


class ProgressAnswer(msgspec.Struct, rename="camel"):
    """`updatedCount`: how many of them are messages of this conversation."""

    updated_count: int
    success: bool = True
