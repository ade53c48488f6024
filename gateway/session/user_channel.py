"""Who hears what comes on a user's channel."""

import msgspec
import structlog

from gateway.membership.memberships import Memberships
from gateway.membership.quota import Quota
from gateway.presence.devices import Devices
from gateway.state.user import User
from shared.wire import PREFIX_BYTES, Kind

log = structlog.get_logger()


class UserChannel:
    def __init__(self, memberships: Memberships, devices: Devices, quota: Quota) -> None:
        self._memberships = memberships
        self._devices = devices
        self._quota = quota

    def on_envelope(self, user: User, envelope: bytes) -> None:
        kind = envelope[1]
        try:
            if kind in (Kind.DEVICE, Kind.DEVICE_GONE):
                self._devices.on_envelope(user, kind, envelope[PREFIX_BYTES:])
            elif kind == Kind.COUNT:
                self._quota.on_question(user, envelope[PREFIX_BYTES:])
            else:
                self._memberships.on_envelope(user, envelope)
        except msgspec.DecodeError as error:
            log.warning("unreadable envelope on a user's channel", kind=kind, error=str(error))
