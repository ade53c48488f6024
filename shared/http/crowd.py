"""The open HTTP connections of a listener, counted before they say anything: how many there may be, and who gives way.

Pure but for the connections' `abort`: time is an argument, in seconds of a clock that only goes forward.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter, Gauge

from shared.address import is_within
from shared.setting_forms import Network

OPEN = Gauge("parley_http_connections", "HTTP connections that are open now, upgraded sockets not among them.")
ENDED = Counter(
    "parley_http_connections_ended_total",
    "HTTP connections that this process ended: `late` whose head did not come in time, `full` that gave way to others"
    " or found no place, `address` for too many of one address, `descriptors` for too few that are left.",
    ["reason"],
)
_ENDED = {reason: ENDED.labels(reason) for reason in ("late", "full", "address", "descriptors")}

HEAD_SECONDS = 15.0
"""From the accept to the end of the first request's head. nginx gives 60 s, Apache 20 s."""


@dataclass(frozen=True)
class Bounds:
    """`total` and `per_address` are connections, `descriptor` is the first number of a descriptor that is kept in
    reserve: a new descriptor gets the lowest number that is free, so a high one says that few are left.
    """

    total: int = 4000
    per_address: int = 1000
    descriptor: int = 1 << 30
    proxies: Sequence[Network] = ()
    """Load balancers, each of which stands for many clients: `per_address` is not for them."""


class Guest(Protocol):
    """A connection: it is hashed by what it is, not by what it holds."""

    def abort(self) -> None: ...


class Crowd:
    """Who is connected. Where there is no place left, a newcomer takes that of who has kept us waiting longest: first
    of those who have not made a request yet, then of those who rest between two. A request that is being answered is
    never ended for another's sake.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._silent: OrderedDict[Guest, float] = OrderedDict()  # no request yet -> since when
        self._resting: OrderedDict[Guest, None] = OrderedDict()
        self._of: dict[str, dict[Guest, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def enter(self, guest: Guest, address: str, descriptor: int, now: float) -> bool:
        """Whether the newcomer may stay; who had to give way to them is closed."""
        mates = self._of.get(address)
        if mates is not None and len(mates) >= self.bounds.per_address and not is_within(address, self.bounds.proxies):
            if not self._replace(mates, "address"):
                return False
        elif self._count >= self.bounds.total and not self._replace(None, "full"):
            return False
        if descriptor >= self.bounds.descriptor and not self._replace(None, "descriptors"):
            return False
        self._of.setdefault(address, {})[guest] = None
        self._silent[guest] = now
        self._count += 1
        OPEN.inc()
        return True

    def leave(self, guest: Guest, address: str) -> None:
        """May be called for who never entered."""
        mates = self._of.get(address)
        if mates is None or guest not in mates:
            return
        del mates[guest]
        if not mates:
            del self._of[address]
        self._silent.pop(guest, None)
        self._resting.pop(guest, None)
        self._count -= 1
        OPEN.dec()

    def works(self, guest: Guest) -> None:
        """A whole head is there: from now on it is we who take our time."""
        self._silent.pop(guest, None)
        self._resting.pop(guest, None)

    def rests(self, guest: Guest, address: str) -> None:
        if guest in self._of.get(address, ()):
            self._resting[guest] = None

    def end_the_late(self, now: float) -> None:
        """Closes those whose first head has not come within HEAD_SECONDS. To be called about once a second."""
        while self._silent:
            guest, since = next(iter(self._silent.items()))
            if now - since < HEAD_SECONDS:
                return
            self._end(guest, "late")

    def _replace(self, among: dict[Guest, None] | None, reason: str) -> bool:
        """Closes one who waits, of all or of these; False where all of them are being answered."""
        for waiting in (self._silent, self._resting):
            for guest in waiting if among is None else among:
                if guest in waiting:
                    self._end(guest, reason)
                    return True
        _ENDED[reason].inc()  # the newcomer
        return False

    def _end(self, guest: Guest, reason: str) -> None:
        # Forgotten by the queues at once; `leave` follows when the connection is lost.
        self._silent.pop(guest, None)
        self._resting.pop(guest, None)
        _ENDED[reason].inc()
        guest.abort()
