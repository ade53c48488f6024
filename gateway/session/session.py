"""A connected client: what is kept of it, and where what happens on its socket goes."""

from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from gateway.rooms.room import Room
from gateway.rooms.user import User
from gateway.websocket.connection import Connection
from gateway.websocket.frames import text_frame
from shared import frames
from shared.auth import Identity
from shared.ids import id_text

if TYPE_CHECKING:
    from gateway.session.commands import Ref


class SessionListener(Protocol):
    """One for all sessions of a gateway."""

    def on_frame(self, session: "Session", data: bytes) -> None: ...

    def on_binary(self, session: "Session") -> None: ...

    def on_heard(self, session: "Session") -> None:
        """A frame of any kind came."""

    def on_closed(self, session: "Session", code: int) -> None: ...


class Session:
    """One socket of one user. Slim: a gateway holds tens of thousands, most of them idle.

    `active`: a person is looking, as far as the client says. `unconfirmed`: how far it was written to, where it never
    promised to say itself what it got. `debt` is its frame limit's, `typing` when it last said so, `paused` the rooms
    that it left for a while.
    """

    __slots__ = (
        "_connection",
        "_early",
        "_listener",
        "acks",
        "active",
        "debt",
        "expires_at",
        "key",
        "opened_at",
        "paused",
        "session_id",
        "typing",
        "unconfirmed",
        "user",
    )

    def __init__(self, key: bytes, user: User, identity: Identity, listener: SessionListener, *, acks: bool) -> None:
        self.key = key
        self.user = user
        self.acks = acks
        self.active = True
        self.session_id = identity.session_id
        self.expires_at = identity.expires_at
        self.opened_at = monotonic()
        self.debt = 0.0
        self.typing: dict[Room, float] | None = None
        self.paused: frozenset[Room] | None = None
        self.unconfirmed: dict[Room, int] | None = None
        self._connection: Connection | None = None
        self._early: list[bytes] | None = []
        self._listener = listener

    @property
    def connection(self) -> Connection:
        assert self._connection is not None, "the upgrade comes before the first frame"
        return self._connection

    @property
    def connection_id(self) -> str:
        return id_text(self.key)

    @property
    def user_channel(self) -> bytes:
        return self.user.channel

    @property
    def is_attached(self) -> bool:
        """The upgrade is done."""
        return self._connection is not None

    @property
    def is_connected(self) -> bool:
        """It was told `connected`: frames are acted upon."""
        return self._early is None

    def is_paused_in(self, room: Room) -> bool:
        return self.paused is not None and room in self.paused

    def attach(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """`connected` is out: what came before it (a client that did not wait) is acted upon now."""
        early, self._early = self._early or [], None
        for data in early:
            self._listener.on_frame(self, data)

    def send(self, payload: bytes) -> None:
        self.connection.send(text_frame(payload))

    def answer(self, kind: str, ref: "Ref", **fields: Any) -> None:
        self.send(frames.answer(kind, ref=ref, **fields))

    def refuse(self, code: str, message: str, ref: "Ref") -> None:
        """An error frame; the connection stays."""
        self.send(frames.error(code=code, message=message, ref=ref))

    # --- Owner of the connection ------------------------------------------------------------------------------------

    def on_text(self, connection: Connection, data: bytes) -> None:
        if self._early is not None:
            self._early.append(data)
            return
        self._listener.on_heard(self)
        self._listener.on_frame(self, data)

    def on_binary(self, connection: Connection, data: bytes) -> None:
        if self._early is None:
            self._listener.on_binary(self)

    def on_alive(self, connection: Connection) -> None:
        self._listener.on_heard(self)

    def on_closed(self, connection: Connection, code: int) -> None:
        self._listener.on_closed(self, code)
