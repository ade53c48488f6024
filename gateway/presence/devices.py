"""Which of an older app's sockets is the device, where it leaks them (contract: "Among sockets without `acks`").

Older apps open a socket at each mount and change of network, and forget the ones before. Those that share a group
(sign-in, address, User-Agent) are one device: the newest that answered a ping. The others stay open and get nothing. A
gateway tells the others on the user's channel, and only where a user has several sockets: one socket alone costs no
message, no ping and no memory.
"""

from collections.abc import Callable, Collection
from time import monotonic

import msgspec

from gateway.forwarding.hub import Hub
from gateway.presence.writer import PresenceWriter
from gateway.state.session import Session
from gateway.state.user import User
from gateway.websocket.connection import Connection
from shared.clock import now_us
from shared.wire import DeviceClaim, Kind, pack

_claims = msgspec.json.Decoder(DeviceClaim)

_Group = tuple[bytes, int]


class Devices:
    """One for all sessions. `publish(channel, envelope)` reaches every gateway with a socket of the channel's user."""

    def __init__(
        self, hub: Hub, presence: PresenceWriter, publish: Callable[[bytes, bytes], None], incarnation: str
    ) -> None:
        self._hub = hub
        self._presence = presence
        self._publish = publish
        self._incarnation = incarnation
        self._claimed: dict[Session, None] = {}
        """Devices of whose group other sockets are known, here or elsewhere."""
        self._elsewhere: dict[_Group, DeviceClaim] = {}
        """Groups with a socket here whose device is on another gateway."""

    # --- what happens to sockets here -------------------------------------------------------------------------------

    def has_device(self, session: Session) -> bool:
        """Whether the session's group is known to have one: then it takes no place of its own."""
        return bool(session.group) and (
            _group(session) in self._elsewhere or any(other.is_counted for other in _others(session))
        )

    def arrived(self, session: Session, *, has_others: bool) -> None:
        """It was told `connected`. `has_others`: the user has further sockets somewhere."""
        if not session.group or not has_others:
            return
        if self.has_device(session):
            self._step_back(session)
        session.is_asked = True
        session.connection.ask()

    def answered(self, session: Session) -> None:
        """It was asked, and something came since."""
        session.is_asked = False
        self._promote(session)

    def now_acks(self, session: Session) -> None:
        """It says itself what it got from here on: the rule is not for it."""
        if not session.group:
            return
        self._make_way(session)
        session.group = 0
        session.is_asked = False
        if not session.is_counted:
            self._step_forward(session)

    def on_silent(self, connection: Connection) -> None:
        """It missed a heartbeat."""
        if isinstance(connection.owner, Session):
            self.silent(connection.owner)

    def silent(self, session: Session) -> None:
        """It missed a heartbeat. Its socket may take a while to end: it counts no longer at once."""
        if session not in session.user.sessions:
            return  # it was still coming in
        if session.is_counted:
            self._step_back(session)
        self.ended(session)

    def ended(self, session: Session) -> None:
        """The next newest of its group takes over, if it was the device."""
        self._make_way(session)
        if session.group and not any(_others(session)):
            self._elsewhere.pop(_group(session), None)

    # --- what other gateways say ------------------------------------------------------------------------------------

    def on_envelope(self, user: User, kind: int, payload: bytes) -> None:
        claim = _claims.decode(payload)
        own = [session for session in user.sessions if session.group == claim.group and session.connection.is_open]
        if claim.gateway == self._incarnation or not own:
            return
        if kind == Kind.DEVICE_GONE:
            self._on_gone(own, claim)
        else:
            self._on_claim(own, claim)

    def on_restored(self) -> None:
        """Words may have been missed: all groups are settled anew."""
        for session in list(self._claimed):
            self._tell(Kind.DEVICE, session)
        self._succeed_all(list(self._elsewhere))

    def forget_dead(self, live: Collection[str]) -> None:
        """Groups whose device was on a gateway that is gone without a word."""
        self._succeed_all([group for group, claim in self._elsewhere.items() if claim.gateway not in live])

    def _on_claim(self, own: list[Session], claim: DeviceClaim) -> None:
        newest = _newest([session for session in own if not session.is_asked])
        if newest is not None and _opened_us(newest) > claim.opened_us:
            self._elsewhere.pop(_group(newest), None)
            self._promote(newest)
            return
        self._elsewhere[_group(own[0])] = claim
        for session in own:
            self._claimed.pop(session, None)
            if session.is_counted:
                self._step_back(session)

    def _on_gone(self, own: list[Session], claim: DeviceClaim) -> None:
        known = self._elsewhere.get(_group(own[0]))
        if known is not None and known.gateway == claim.gateway:
            self._succeed_all([_group(own[0])])

    def _succeed_all(self, groups: list[_Group]) -> None:
        for channel, group in groups:
            self._elsewhere.pop((channel, group), None)
            user = self._hub.users.get(channel)
            if user is not None:
                self._succeed([session for session in user.sessions if session.group == group])

    # --- the rule ---------------------------------------------------------------------------------------------------

    def _promote(self, session: Session) -> None:
        """It is the device, unless a newer one is."""
        group, others = _group(session), _others(session)
        known = self._elsewhere.get(group)
        if known is not None and known.opened_us > _opened_us(session):
            return
        if any(other in self._claimed and other.opened_at > session.opened_at for other in others):
            return
        self._elsewhere.pop(group, None)
        if not session.is_counted:
            self._step_forward(session)  # before another steps back: the user is not offline in between
        for other in others:
            self._claimed.pop(other, None)
            if other.is_counted:
                self._step_back(other)
        self._claimed[session] = None
        self._tell(Kind.DEVICE, session)

    def _make_way(self, session: Session) -> None:
        if session in self._claimed:
            del self._claimed[session]
            if not self._succeed(_others(session)):
                self._tell(Kind.DEVICE_GONE, session)

    def _succeed(self, sessions: list[Session]) -> bool:
        """Whether one of these is the device now. Where a newer one is elsewhere, its gateway answers the claim."""
        following = _newest([session for session in sessions if session.connection.is_open])
        if following is None:
            return False
        following.is_asked = False
        self._promote(following)
        return True

    def _step_back(self, session: Session) -> None:
        session.is_counted = False
        session.unconfirmed = None
        session.connection.mute()
        self._presence.depart(session.user)

    def _step_forward(self, session: Session) -> None:
        session.is_counted = True
        session.connection.unmute()
        self._presence.come_back(session.user, session.user.live_rooms())

    def _tell(self, kind: Kind, session: Session) -> None:
        claim = DeviceClaim(session.group, _opened_us(session), self._incarnation)
        self._publish(session.user.channel, pack(kind, msgspec.json.encode(claim), epoch=self._hub.epoch_id))


def _group(session: Session) -> _Group:
    return session.user.channel, session.group


def _others(session: Session) -> list[Session]:
    return [other for other in session.user.sessions if other.group == session.group and other is not session]


def _newest(sessions: list[Session]) -> Session | None:
    """Of those from which something was heard since they were last asked, if there are such."""
    return max(sessions, key=lambda session: (session.connection.heard, session.opened_at), default=None)


def _opened_us(session: Session) -> int:
    return now_us() - round((monotonic() - session.opened_at) * 1e6)
