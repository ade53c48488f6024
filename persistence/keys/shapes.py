"""The shapes of server keys."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from persistence.keys.scopes import EVERY
from persistence.keys.views import ServerKey
from shared import texts
from shared.http.errors import malformed
from shared.http.fields import SHOWN_PATTERN

Scope = Literal[EVERY]  # type: ignore[valid-type]
LONGEST_NAME = 100


class NewKey(msgspec.Struct, rename="camel"):
    """`expiresAt` with an offset from UTC; without it the key lives until it is revoked."""

    name: Annotated[str, Meta(pattern=SHOWN_PATTERN, max_length=LONGEST_NAME, description="what it is for")]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(EVERY))]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None

    def line(self) -> str:
        """The name on one line. Raises ApiError 400 where nothing of it shows."""
        name = texts.line(self.name)
        if name is None:
            raise malformed("name", "something of it must show")
        return name


class KeyAnswer(msgspec.Struct):
    """`secret` is the key itself: it is shown now and never again."""

    key: ServerKey
    secret: str


class KeysAnswer(msgspec.Struct):
    """Living ones first."""

    keys: list[ServerKey]
