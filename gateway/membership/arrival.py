"""A session between its upgrade and the last of its rooms: what was read for it, and what is still to be settled."""

from collections import deque

from gateway.forwarding.discretion import NOTHING_PRIVATE
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import NOWHERE


class Arrival:
    """A session on its way into its rooms, some of them `hidden` or `barred`, as they were at `version`.
    `heads` are of a later moment, at which the user's version was `newest`."""

    __slots__ = (
        "barred",
        "counted",
        "epoch",
        "has_others",
        "heads",
        "hidden",
        "is_counted",
        "is_return",
        "newest",
        "privacy",
        "rooms",
        "session",
        "settling",
        "unsettled",
        "version",
    )

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rooms: dict[str, Room] = {}  # those of the latest activity first
        self.unsettled: deque[str] = deque()
        self.settling: list[Room] = []
        self.is_counted = False  # in presence
        self.is_return = False  # within the grace
        self.has_others = False  # the user has further sockets, here or elsewhere
        self.epoch = ""
        self.hidden: dict[str, int] | None = None  # not told by persistence of an older release
        self.barred = NOWHERE
        self.privacy = NOTHING_PRIVATE
        self.version = 0
        self.newest = 0
        self.heads: dict[str, int] = {}
        self.counted: dict[str, int] = {}

    @property
    def is_settled(self) -> bool:
        return not self.unsettled

    @property
    def listed(self) -> int:
        """How many conversations the user lists."""
        return len(self.rooms) - len(self.hidden or ())
