"""Whom this gateway holds, and whom it only keeps for the grace of a phone that changes networks. Pure."""

from collections import deque
from typing import NamedTuple


class Held(NamedTuple):
    """What Redis should say of a user: so many connections here; None: this gateway holds them no more.

    `rooms` are those where presence is live, `at_ms` is when the last connection closed.
    """

    user_id: str
    connections: int | None
    rooms: list[str]
    at_ms: int


class _Entry:
    __slots__ = ("at_ms", "connections", "let_go", "rooms", "until")

    def __init__(self) -> None:
        self.connections = 0
        self.rooms: list[str] = []
        self.at_ms = 0
        self.until = 0.0
        self.let_go = False


class Roster:
    """The wanted state, and of whom Redis is still to be told. `now` is the caller's monotonic clock."""

    def __init__(self, grace_seconds: float) -> None:
        self._grace = grace_seconds
        self._entries: dict[str, _Entry] = {}
        self._leaving: deque[tuple[float, str]] = deque()
        self._untold: dict[str, None] = {}

    @property
    def has_news(self) -> bool:
        return bool(self._untold)

    def holds(self, user_id: str) -> bool:
        """Also within the grace: they were here a moment ago."""
        return user_id in self._entries

    def arrive(self, user_id: str, rooms: list[str]) -> None:
        """One more connection."""
        entry = self._entries.setdefault(user_id, _Entry())
        entry.connections += 1
        entry.rooms = rooms
        entry.let_go = False
        self._untold[user_id] = None

    def depart(self, user_id: str, rooms: list[str], now: float, now_ms: int) -> None:
        """One connection less. After the last one the user stays held for the grace, with none."""
        entry = self._entries[user_id]
        entry.connections -= 1
        self._untold[user_id] = None
        if entry.connections == 0:
            entry.rooms, entry.at_ms, entry.until = rooms, now_ms, now + self._grace
            self._leaving.append((entry.until, user_id))

    def expire(self, now: float) -> None:
        """Lets go of those whose grace is over."""
        while self._leaving and self._leaving[0][0] <= now:
            until, user_id = self._leaving.popleft()
            entry = self._entries.get(user_id)
            # Who came back and left again since waits for a later turn.
            if entry is not None and entry.connections == 0 and entry.until == until:
                entry.let_go = True
                self._untold[user_id] = None

    def tell_all_again(self) -> None:
        """Redis forgot, or others took this gateway for dead."""
        self._untold.update(dict.fromkeys(self._entries))

    def take(self, most: int) -> list[Held]:
        """Up to `most` users of whom Redis is to be told, as they are now: follow it by `told` or `give_back`."""
        users = [self._untold.popitem()[0] for _ in range(min(most, len(self._untold)))]
        return [self._held(user_id, self._entries[user_id]) for user_id in users]

    def told(self, taken: list[Held]) -> None:
        for held in taken:
            entry = self._entries[held.user_id]
            if held.connections is None and entry.let_go:
                del self._entries[held.user_id]

    def give_back(self, taken: list[Held]) -> None:
        """Redis could not be told."""
        self._untold.update(dict.fromkeys(held.user_id for held in taken))

    def _held(self, user_id: str, entry: _Entry) -> Held:
        return Held(user_id, None if entry.let_go else entry.connections, entry.rooms, entry.at_ms)
