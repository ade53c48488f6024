"""Push tokens and what their owners want to hear: `/notifications`."""

from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import available_timezones

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.members import envelopes
from persistence.members.views import Member
from persistence.push import devices, preferences, toggles
from persistence.push.preferences import EVERYONE, Preferences, TooManyToggles
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import malformed
from shared.http.fields import EXPO_TOKEN_PATTERN, TIME_OF_DAY_PATTERN, WORD_PATTERN
from shared.wire import Kind

TAG = "notifications"

PushToken = Annotated[
    str, Meta(pattern=EXPO_TOKEN_PATTERN, max_length=220, examples=["ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]"])
]
DeviceId = Annotated[str, Meta(pattern=WORD_PATTERN, min_length=1, max_length=200)]
TimeOfDay = Annotated[str, Meta(pattern=TIME_OF_DAY_PATTERN, max_length=5, examples=["22:00"])]
TimeZone = Annotated[str, Meta(examples=["Europe/Berlin"], extra_json_schema={"format": "time-zone"})]
"""Which names there are is decided when a wish is stored: they differ from server to server, and from year to year."""
Preview = Literal["full", "sender", "none"]
LastSeen = Literal["everyone", "nobody"]


class Registration(msgspec.Struct, rename="camel"):
    """`deviceId` names the installation, as no other does: a new token of the same one replaces the old, also another
    user's."""

    token: PushToken
    device_id: DeviceId | None = None
    platform: Literal["ios", "android"] | None = None


class TokenBody(msgspec.Struct):
    token: PushToken


class PreferencesBody(msgspec.Struct):
    """What is absent stays as it is; null takes a wish back. Other fields that end in `_enabled` are the app's own, 50
    at most: Parley keeps them and gives them back."""

    EXTRA_SCHEMA: ClassVar[dict[str, Any]] = {
        "patternProperties": {toggles.NAME_PATTERN: {"type": ["boolean", "null"]}},
    }
    messages_enabled: bool | UnsetType = UNSET
    preview: Preview | UnsetType | None = UNSET
    quiet_start: TimeOfDay | UnsetType | None = UNSET
    quiet_end: TimeOfDay | UnsetType | None = UNSET
    time_zone: Annotated[TimeZone | UnsetType | None, Meta(description="a name of the IANA database")] = UNSET
    read_receipts: Annotated[
        bool | UnsetType | None,
        Meta(description="false: nobody hears how far the caller reads, and the caller hears it of nobody"),
    ] = UNSET
    last_seen: Annotated[
        LastSeen | UnsetType | None,
        Meta(description="nobody: nobody hears when the caller was last here, and the caller hears it of nobody"),
    ] = UNSET


class PreferencesView(msgspec.Struct):
    """`preview`: how much of a message a push shows; null for the deployment's default. Quiet from start until end."""

    messages_enabled: bool
    preview: Preview | None
    quiet_start: str | None
    quiet_end: str | None
    time_zone: str | None
    read_receipts: bool
    last_seen: LastSeen


class PreferencesAnswer(msgspec.Struct):
    """With the app's own fields that end in `_enabled`."""

    preferences: Annotated[
        PreferencesView,
        Meta(extra_json_schema={"patternProperties": {toggles.NAME_PATTERN: {"type": "boolean"}}}),
    ]


KNOWN = {field.encode_name for field in msgspec.structs.fields(PreferencesBody)}


class Notifications:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery

    async def register(self, call: Call[Registration, Nothing]) -> Success:
        given, session_id = call.body, call.identity.session_id
        await devices.register(self._pool, call.user_id, given.token, given.device_id, given.platform, session_id)
        return Success()

    async def forget(self, call: Call[TokenBody, Nothing]) -> Success:
        await devices.forget(self._pool, call.user_id, call.body.token)
        return Success()

    async def read(self, call: Call[Nothing, Nothing]) -> PreferencesAnswer:
        return _shown(await preferences.preferences(self._pool, call.user_id))

    async def change(self, call: Call[PreferencesBody, Nothing]) -> PreferencesAnswer:
        # Which fields are the app's own no shape can name: they are read from the body, which aiohttp keeps.
        own = toggles.read(await call.request.read(), KNOWN)
        changed = await preferences.change_preferences(self._pool, call.user_id, _changes(call.body), own)
        if isinstance(changed, TooManyToggles):
            raise toggles.too_many()
        if changed.version is not None:
            member, privacy = Member(call.user_id, changed.version), msgspec.json.encode(changed.preferences.privacy)
            self._delivery.offer(envelopes.to_member(Kind.PRIVACY, member, privacy, epoch=self._delivery.epoch))
        return _shown(changed.preferences)


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    handlers = Notifications(pool, delivery)
    return [*_of_tokens(handlers), *_of_preferences(handlers)]


def _of_tokens(handlers: Notifications) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path="/notifications/register-token",
            name="registerPushToken",
            handler=handlers.register,
            cost=FLAT,
            summary="Register this device's push token",
            description="The token, and the device id, move to whoever registered them last.",
            tag=TAG,
            body=Registration,
            response=Success,
        ),
        Endpoint(
            method="DELETE",
            path="/notifications/token",
            name="removePushToken",
            handler=handlers.forget,
            cost=FLAT,
            summary="Forget this device's push token",
            description="Before signing out. Another user's token is left alone.",
            tag=TAG,
            body=TokenBody,
            response=Success,
        ),
    ]


def _of_preferences(handlers: Notifications) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/notifications/preferences",
            name="getPreferences",
            handler=handlers.read,
            cost=FLAT,
            summary="What the caller wants to hear",
            tag=TAG,
            response=PreferencesAnswer,
        ),
        Endpoint(
            method="POST",
            path="/notifications/preferences",
            name="changePreferences",
            handler=handlers.change,
            cost=FLAT,
            summary="Change what the caller wants to hear",
            tag=TAG,
            body=PreferencesBody,
            response=PreferencesAnswer,
        ),
    ]


def _changes(body: PreferencesBody) -> dict[str, Any]:
    """The named fields as they are stored. Raises ApiError 400 for a time zone that there is not."""
    changes: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    zone = changes.get("time_zone")
    if zone is not None and zone not in available_timezones():
        raise malformed("time_zone", "expected a time zone's name, such as Europe/Berlin")
    changes |= {name: default for name, default in _DEFAULTS.items() if name in changes and changes[name] is None}
    return changes | {name: _minute(changes[name]) for name in ("quiet_start", "quiet_end") if name in changes}


_DEFAULTS = {"read_receipts": True, "last_seen": EVERYONE}
"""Of wishes that are taken back, where the column knows no null."""


def _minute(time_of_day: str | None) -> int | None:
    return None if time_of_day is None else int(time_of_day[:2]) * 60 + int(time_of_day[3:])


def _time_of_day(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def _shown(stored: Preferences) -> PreferencesAnswer:
    known = msgspec.structs.asdict(stored) | {
        "quiet_start": _time_of_day(stored.quiet_start),
        "quiet_end": _time_of_day(stored.quiet_end),
    }
    own: dict[str, Any] = known.pop("toggles")
    # The view is encoded as the object that it describes, and the app's fields beside it.
    shown: Any = own | known
    return PreferencesAnswer(shown)
