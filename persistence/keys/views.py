"""A key as it is listed, and the outcomes of making one."""

from typing import NamedTuple

from persistence.database.view import View


class ServerKey(View, frozen=True):
    """Without its secret. `lastUsedAt` is to the minute; null: never."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class MadeKey(NamedTuple):
    """`text` is the key itself, which nothing keeps."""

    key: ServerKey
    text: str


class TooManyKeys(NamedTuple):
    """So many live already: revoke one."""

    most: int
