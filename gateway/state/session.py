"""A connected client: what is kept of it, and where what happens on its socket goes."""

from time import monotonic
from typing import Any, Protocol, TypeAlias

import msgspec

from gateway.state.room import Room
from gateway.state.user import User
from gateway.websocket.connection import Connection
from gateway.websocket.frames import text_frame
from shared import frames
from shared.auth import Identity
from shared.ids import canonical_id, id_bytes, id_text

Ref: TypeAlias = str | int | None
"""What a client put into its frame's `ref`, given back in the answer."""


class SessionListener(Protocol):
    """One for all sessions of a gateway."""

    def on_frame(self, session: "Session", data: bytes) -> None: ...

    def on_binary(self, session: "Session") -> None: ...

    def on_excess(self, session: "Session", data: bytes) -> None:
        """A message beyond the limit of frames."""

    def on_heard(self, session: "Session") -> None:
        """A frame of any kind came."""

    def on_closed(self, session: "Session", code: int) -> None: ...


class Session(msgspec.Struct, gc=False, eq=False):
    """One socket of one user. Slim: a gateway holds tens of thousands, most of them idle.

    The garbage collector does not know it: what refers to it lets go when the socket ends.
    """

    key: bytes
    user: User
    acks: bool
    expires_at: float
    _listener: SessionListener
    _sign_in: bytes | str | None
    group: int = 0
    """Shared by the sockets of an older app that may be one device (gateway.presence.devices); 0: it is its own."""
    is_counted: bool = True
    """It has one of the user's places, and they are online by it; False: another socket of its group is the device."""
    is_asked: bool = False
    """A ping is out to it whose answer may make it the device."""
    opened_at: float = msgspec.field(default_factory=monotonic)
    active: bool = True
    """A person is looking, as far as the client says."""
    events_owed_until: float = 0.0
    """The monotonic second from which its bucket of events is full again."""
    typing: dict[Room, float] | None = None
    """When it last said so."""
    paused: set[Room] | None = None
    """The rooms that it left for a while."""
    unconfirmed: dict[Room, int] | None = None
    """How far it was written to, where it never promised to say itself what it got."""
    _connection: Connection | None = None
    _early: list[bytes] | None = msgspec.field(default_factory=list)

    @classmethod
    def of(
        cls, key: bytes, user: User, identity: Identity, listener: SessionListener, *, acks: bool, group: int = 0
    ) -> "Session":
        return cls(key, user, acks, identity.expires_at, listener, _packed(identity.session_id), group)

    @property
    def connection(self) -> Connection:
        assert self._connection is not None, "the upgrade comes before the first frame"
        return self._connection

    @property
    def connection_id(self) -> str:
        return id_text(self.key)

    @property
    def session_id(self) -> str | None:
        """The sign-in by which it can be revoked."""
        return id_text(self._sign_in) if isinstance(self._sign_in, bytes) else self._sign_in

    @session_id.setter
    def session_id(self, text: str | None) -> None:
        self._sign_in = _packed(text)

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
        self.connection.send_own(text_frame(payload))

    def send_when_drained(self, payload: bytes) -> None:
        """As `send`, once the client has taken what waits for it: for much that may come later."""
        self.connection.send_when_drained(text_frame(payload))

    def answer(self, kind: str, ref: Ref, **fields: Any) -> None:
        self.connection.reply(text_frame(frames.answer(kind, ref=ref, **fields)))

    def send_error(self, code: str, message: str, ref: Ref) -> None:
        """An error frame; the connection stays."""
        self.connection.reply(text_frame(frames.error(code=code, message=message, ref=ref)))

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

    def on_excess(self, connection: Connection, data: bytes) -> None:
        if self._early is None:
            self._listener.on_excess(self, data)

    def on_alive(self, connection: Connection) -> None:
        self._listener.on_heard(self)

    def on_closed(self, connection: Connection, code: int) -> None:
        self._listener.on_closed(self, code)


def _packed(session_id: str | None) -> bytes | str | None:
    """A UUID, as nearly all are, takes a third less as bytes."""
    return session_id if session_id is None or canonical_id(session_id) != session_id else id_bytes(session_id)
