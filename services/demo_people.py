"""Who may sign in to the demo: anybody, by name. On this machine alone (demo_guard.py)."""

import uuid
from collections.abc import Iterator
from typing import Final

from shared.http.errors import malformed, unavailable

USERS: Final = {
    "ada": "ada00000-0000-4000-8000-000000000001",
    "bob": "b0b00000-0000-4000-8000-000000000002",
    "cleo": "c1e00000-0000-4000-8000-000000000003",
}
NAME_SPACE: Final = uuid.UUID("de300000-0000-4000-8000-000000000000")
"""Of the ids of those who sign in by another name: the same name is the same person, also after a restart."""
LONGEST_NAME: Final = 32
MOST_NAMES: Final = 1000
"""People that one process remembers: a page that asks for names without end fills no memory."""


class People:
    """Who has signed in to the demo, by handle: three who are always there, and whoever gave a name."""

    def __init__(self) -> None:
        self._ids = dict(USERS)
        self.ids = set(USERS.values())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._ids.items())

    def admit(self, name: str) -> tuple[str, str]:
        """The handle and id of this name. Raises ApiError 400 for no name, 503 past MOST_NAMES."""
        handle = " ".join(name.split())
        if not handle.isprintable() or not 0 < len(handle) <= LONGEST_NAME:
            raise malformed("name", f"a name has 1 to {LONGEST_NAME} printable characters")
        if handle not in self._ids and len(self._ids) >= MOST_NAMES:
            raise unavailable("too many people have signed in to this demo")
        user_id = self._ids.setdefault(handle, str(uuid.uuid5(NAME_SPACE, handle)))
        self.ids.add(user_id)
        return handle, user_id
