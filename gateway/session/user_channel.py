"""Who hears what comes on a user's channel."""

from time import monotonic

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from gateway.membership.memberships import Memberships, close_all, close_banned
from gateway.membership.quota import Quota
from gateway.presence.devices import Devices
from gateway.state.user import User
from gateway.websocket.codes import CloseCode
from gateway.websocket.frames import text_frame
from shared import keys
from shared.wire import PREFIX_BYTES, Banning, Kind, Revocation, unpack_prefix

log = structlog.get_logger()


class _Receipt(msgspec.Struct, rename="camel"):
    """Of a receipt's frame, what the gateway reads."""

    conversation_id: str


_receipts = msgspec.json.Decoder(_Receipt)
_bannings = msgspec.json.Decoder(Banning)
_revocations = msgspec.json.Decoder(Revocation)


class UserChannel:
    def __init__(self, hub: Hub, memberships: Memberships, devices: Devices, quota: Quota) -> None:
        self._hub = hub
        self._memberships = memberships
        self._devices = devices
        self._quota = quota

    def on_envelope(self, user: User, envelope: bytes) -> None:
        try:
            self._hear(user, envelope)
        except msgspec.DecodeError as error:
            log.warning("unreadable envelope on a user's channel", kind=envelope[1], error=str(error))

    def _hear(self, user: User, envelope: bytes) -> None:
        _, kind, _, version, _, _, _ = unpack_prefix(envelope)
        payload = envelope[PREFIX_BYTES:]
        if kind in (Kind.JOINED, Kind.LEFT, Kind.HIDDEN, Kind.BARRED, Kind.UNBARRED, Kind.PRIVACY):
            self._memberships.on_change(user, version, envelope)
        elif kind in (Kind.DEVICE, Kind.DEVICE_GONE):
            self._devices.on_envelope(user, kind, payload)
        elif kind == Kind.COUNT:
            self._quota.on_question(user, payload)
        elif kind == Kind.RECEIPT:
            self._tell_own(user, envelope)
        elif kind == Kind.USER_FRAME:
            frame = text_frame(payload)
            for session in user.sessions:
                session.connection.send(frame)
        else:
            _close(user, kind, payload)

    def _tell_own(self, user: User, envelope: bytes) -> None:
        """A receipt of their own in a group where no other is told of it, unless they have heard of a later one."""
        _, _, status, seq, _, reader, _ = unpack_prefix(envelope)
        payload = envelope[PREFIX_BYTES:]
        room = keys.room(_receipts.decode(payload).conversation_id).encode()
        if self._hub.latest_receipts.is_news(room, reader, status, seq, monotonic()):
            for session in user.sessions:
                session.send(payload)


def _close(user: User, kind: int, payload: bytes) -> None:
    if kind == Kind.BANNED:
        close_banned(user, _bannings.decode(payload) if payload else Banning())
    elif kind == Kind.KICKED:
        close_all(user.sessions, CloseCode.RESTARTING, "reconnect")
    elif kind == Kind.REVOKED:
        session_id = _revocations.decode(payload).session_id
        named = [session for session in user.sessions if session_id in (None, session.session_id)]
        close_all(named, CloseCode.SESSION_REVOKED, "session revoked")
