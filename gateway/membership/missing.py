"""Rooms and users that lack something, each with the moment from which it is to be fetched."""

import asyncio
from time import monotonic
from typing import Final

from gateway.state.room import Room
from gateway.state.user import User

PATIENCE_SECONDS: Final = 0.1
"""Publishers race: 2 to 50 % of events come late, nearly all within this."""
DOUBT_SECONDS: Final = 2.0
"""A removal's word on the user's channel follows its event within milliseconds, where it was not lost."""


class Missing:
    """Whoever notices that something is missing says so here; the gap filler looks here. `any` is set while some is."""

    def __init__(self) -> None:
        self.rooms: dict[Room, float] = {}  # -> not to be fetched before
        self.users: dict[User, float] = {}
        self.doubted: set[User] = set()
        self.any = asyncio.Event()

    @property
    def has_any(self) -> bool:
        return bool(self.rooms or self.users)

    def on_gap(self, room: Room) -> None:
        self.rooms.setdefault(room, monotonic() + PATIENCE_SECONDS)
        self.any.set()

    def on_behind(self, user: User) -> None:
        self.users.setdefault(user, monotonic() + PATIENCE_SECONDS)
        self.any.set()

    def on_doubt(self, user: User) -> None:
        """The user's list is to be read once more, whether a change is missing then or not."""
        self.users.setdefault(user, monotonic() + DOUBT_SECONDS)
        self.doubted.add(user)
        self.any.set()
