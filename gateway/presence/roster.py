"""Whom this gateway holds, and whom it only keeps for the grace of a phone that changes networks. Pure."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gateway.state.user import id_of_channel


class Held(NamedTuple):
    """What Redis should say of a user: so many connections here; None: this gateway holds them no more.

    `rooms` are those where presence is live, `at_ms` is when the last connection closed. `is_doubted`: somebody told
    the rooms that they are offline, so these are to hear the opposite whatever Redis knows. `is_discreet`: nobody is
    to hear when they were last here.
    """

    user_id: str
    connections: int | None
    rooms: list[str]
    at_ms: int
    is_doubted: bool = False
    is_discreet: bool = False


class _Leaver:
    """Someone without a connection here, within the grace (`let_go`: after it)."""

    __slots__ = ("at_ms", "let_go", "rooms", "until")

    def __init__(self, rooms: list[str], at_ms: int, until: float) -> None:
        self.rooms = rooms
        self.at_ms = at_ms
        self.until = until
        self.let_go = False


class Roster:
    """The wanted state, and of whom Redis is still to be told. `now` is the caller's monotonic clock.

    Users go by their channel, and `rooms_of(user)` says where a connected one's presence is live: tens of thousands of
    them are here, and nothing is kept of one that is kept elsewhere.
    """

    def __init__(self, grace_seconds: float, rooms_of: Callable[[bytes], list[str]]) -> None:
        self._grace = grace_seconds
        self._rooms_of = rooms_of
        self._connections: dict[bytes, int] = {}
        self._arriving: dict[bytes, list[str]] = {}  # the rooms of those of whom `rooms_of` does not know them yet
        self._leavers: dict[bytes, _Leaver] = {}
        self._ends: deque[tuple[float, bytes]] = deque()
        self._untold: dict[bytes, None] = {}
        self._doubted: set[bytes] = set()

    @property
    def untold(self) -> int:
        """Of how many Redis is still to be told."""
        return len(self._untold)

    def left_lately(self, user: bytes) -> bool:
        """They have no connection here, but had one within the grace."""
        return user in self._leavers

    def arrive(self, user: bytes, rooms: list[str]) -> None:
        """One more connection, on its way into these rooms: `entered`, or `depart`, follows."""
        self._connections[user] = self._connections.get(user, 0) + 1
        self._arriving[user] = rooms
        self._leavers.pop(user, None)
        self._untold[user] = None

    def entered(self, user: bytes) -> None:
        """Who arrived is in their rooms: `rooms_of` knows these from here on."""
        self._arriving.pop(user, None)

    def depart(self, user: bytes, now: float, now_ms: int) -> None:
        """One connection less. After the last one the user stays held for the grace, with none."""
        self._connections[user] -= 1
        self._untold[user] = None
        if self._connections[user] == 0:
            rooms = self._rooms(user)
            self._arriving.pop(user, None)
            del self._connections[user]
            self._leavers[user] = _Leaver(rooms, now_ms, now + self._grace)
            self._ends.append((now + self._grace, user))

    def expire(self, now: float) -> None:
        """Lets go of those whose grace is over."""
        while self._ends and self._ends[0][0] <= now:
            until, user = self._ends.popleft()
            leaver = self._leavers.get(user)
            # Who came back and left again since waits for a later turn.
            if leaver is not None and leaver.until == until:
                leaver.let_go = True
                self._untold[user] = None

    def tell_all_again(self) -> None:
        """Redis forgot, or others took this gateway for dead."""
        self._untold.update(dict.fromkeys(self._connections))
        self._untold.update(dict.fromkeys(self._leavers))

    def tell_again(self, user: bytes) -> bool:
        """The rooms were told that they are offline; False where they are."""
        leaver = self._leavers.get(user)
        is_held = user in self._connections or (leaver is not None and not leaver.let_go)
        if is_held:
            self._untold[user] = None
            self._doubted.add(user)
        return is_held

    def take(self, most: int) -> list[tuple[bytes, Held]]:
        """Up to `most` users of whom Redis is to be told, as they are now: follow it by `told` or `give_back`."""
        users = [self._untold.popitem()[0] for _ in range(min(most, len(self._untold)))]
        taken = [(user, self._held(user)) for user in users]
        self._doubted.difference_update(users)
        return taken

    def told(self, taken: list[tuple[bytes, Held]]) -> None:
        for user, held in taken:
            if held.connections is None and user in self._leavers and self._leavers[user].let_go:
                del self._leavers[user]
                # All may have been put on the list again while Redis was being told of this one.
                self._untold.pop(user, None)

    def give_back(self, taken: list[tuple[bytes, Held]]) -> None:
        """Redis could not be told."""
        known = {user: held for user, held in taken if user in self._connections or user in self._leavers}
        self._untold.update(dict.fromkeys(known))
        self._doubted.update(user for user, held in known.items() if held.is_doubted)

    def _held(self, user: bytes) -> Held:
        leaver = self._leavers.get(user)
        if leaver is None:
            return Held(id_of_channel(user), self._connections[user], self._rooms(user), 0, user in self._doubted)
        if leaver.let_go:
            return Held(id_of_channel(user), None, leaver.rooms, leaver.at_ms)
        return Held(id_of_channel(user), 0, leaver.rooms, leaver.at_ms, user in self._doubted)

    def _rooms(self, user: bytes) -> list[str]:
        """Race: Redis may forget, or somebody sweep, between the word of an arrival and its entry into the rooms."""
        return self._rooms_of(user) or self._arriving.get(user, [])
