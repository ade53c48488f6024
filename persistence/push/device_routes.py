"""`/api/me/devices`: the phones that are told of the caller's messages."""

import msgspec

from persistence.database.pool import Pool
from persistence.push import devices
from persistence.push.devices import KnownDevice
from shared.clock import iso
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import not_found

TAG = "notifications"
PATH = "/api/me/devices"


class DeviceView(msgspec.Struct, rename="camel"):
    """`sessionId`: the sign-in that registered it. `registeredAt`: when that did so first; `lastSeenAt`: when it last
    did, as an app does at each start."""

    id: str
    platform: str | None
    device_id: str | None
    session_id: str | None
    registered_at: str
    last_seen_at: str


class DevicesAnswer(msgspec.Struct):
    """The one registered last first."""

    devices: list[DeviceView]


class RemovedAnswer(msgspec.Struct):
    """`devices`: those that are left."""

    devices: list[DeviceView]
    success: bool = True


class Devices:
    """The handlers, over one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, call: Call[Nothing, Nothing]) -> DevicesAnswer:
        return DevicesAnswer(await self._shown(call.user_id))

    async def remove(self, call: Call[Nothing, Nothing]) -> RemovedAnswer:
        if not await devices.remove(self._pool, call.user_id, call.ids["device"]):
            raise not_found("you have no such device")
        return RemovedAnswer(await self._shown(call.user_id))

    async def _shown(self, user_id: str) -> list[DeviceView]:
        return [_view(one) for one in await devices.known(self._pool, user_id)]


def _view(one: KnownDevice) -> DeviceView:
    seen = (iso(one.registered_at), iso(one.last_seen_at))
    return DeviceView(one.id, one.platform, one.device_id, one.session_id, *seen)


def endpoints(pool: Pool) -> list[Endpoint]:
    handlers = Devices(pool)
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="listDevices",
            handler=handlers.read,
            summary="The devices that the caller's pushes go to",
            description="Without those whose sign-in was revoked: they are told nothing.",
            tag=TAG,
            cost=FLAT,
            response=DevicesAnswer,
        ),
        Endpoint(
            method="DELETE",
            path=f"{PATH}/{{device}}",
            name="removeDevice",
            handler=handlers.remove,
            summary="End the pushes to one of the caller's devices",
            description="At once, and until it registers again.",
            tag=TAG,
            cost=FLAT,
            response=RemovedAnswer,
            errors=(404,),
        ),
    ]
