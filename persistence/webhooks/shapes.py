"""The shapes of webhooks. What they refuse stands in the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.paging import PageSize
from persistence.webhooks.deliveries import Choice
from persistence.webhooks.types import EVERYTHING, TYPES
from persistence.webhooks.views import DeliveryView, NewWebhook, Webhook
from shared import texts
from shared.http.errors import malformed
from shared.http.fields import NO_NUL_PATTERN, UUID_PATTERN, Id
from shared.outbound.guard import Allowed, fault_of_url

Type = Literal[(EVERYTHING, *TYPES)]  # type: ignore[valid-type]
LONGEST_URL = 2048
MOST_BATCH = 100
_CURSOR_PATTERN = rf"^[0-9]{{1,16}}\.{UUID_PATTERN.strip('^$')}$(?!\n)"

_Url = Annotated[
    str,
    Meta(
        max_length=LONGEST_URL,
        description="https, port 443 or 8443, of the public internet, or what WEBHOOK_ALLOW names",
        extra_json_schema={
            "pattern": r"^https://([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,6}(:443|:8443)?([/?#][!-~]*)?$"
        },
    ),
]
_Events = Annotated[list[Type], Meta(min_length=1, max_length=len(TYPES) + 1, description="types, or `*` alone")]
_Description = Annotated[str, Meta(max_length=200, pattern=NO_NUL_PATTERN)]
_Batch = Annotated[int, Meta(ge=1, le=MOST_BATCH, description="events that one request may carry")]
Time = Annotated[datetime, Meta(tz=True)]


def _checked(url: str, allowed: Allowed) -> str:
    """Raises ApiError 400."""
    fault = fault_of_url(url, allowed)
    if fault is not None:
        raise malformed("url", fault)
    return url


# In a query msgspec would take a number for a time.
_TimeText = Annotated[
    str,
    Meta(
        max_length=40,
        description="a time with its offset from UTC",
        extra_json_schema={
            "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}Z$"
        },
    ),
]


def time_of(text: str) -> datetime:
    """Raises ApiError 400."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in text:
        raise malformed("since", "expected a time with its offset from UTC, such as 2026-11-22T20:15:04Z")
    return at


class WebhookBody(msgspec.Struct, rename="camel"):
    url: _Url
    events: _Events
    description: _Description | None = None
    batch: _Batch | None = None

    def wanted(self, allowed: Allowed) -> NewWebhook:
        """Raises ApiError 400 for a URL that is not to be called."""
        description = texts.line(self.description or "")
        return NewWebhook(_checked(self.url, allowed), list(dict.fromkeys(self.events)), description, self.batch)


class WebhookPatch(msgspec.Struct, rename="camel"):
    """What is left out stays as it is. `active` disables, and enables again what was disabled."""

    url: _Url | None = None
    events: _Events | None = None
    description: _Description | None = None
    batch: _Batch | None = None
    active: bool | None = None

    def wanted(self, allowed: Allowed) -> NewWebhook:
        """Raises ApiError 400 for a URL that is not to be called."""
        return NewWebhook(
            None if self.url is None else _checked(self.url, allowed),
            None if self.events is None else list(dict.fromkeys(self.events)),
            None if self.description is None else texts.line(self.description),
            self.batch,
            self.active,
        )


class WebhooksAnswer(msgspec.Struct):
    webhooks: list[Webhook]


class WebhookAnswer(msgspec.Struct):
    webhook: Webhook


class MadeAnswer(msgspec.Struct):
    """`secret` verifies what is sent; it is shown now and never again."""

    webhook: Webhook
    secret: str


class SecretAnswer(msgspec.Struct):
    secret: str


class TestedDelivery(msgspec.Struct, rename="camel"):
    last_status: int | None
    last_error: str | None
    ms: int | None


class TestAnswer(msgspec.Struct):
    """Also where the endpoint failed."""

    delivery: TestedDelivery


class DeliveriesQuery(msgspec.Struct):
    state: Literal["waiting", "delivered", "failed"] | UnsetType = UNSET
    since: _TimeText | UnsetType = UNSET
    cursor: Annotated[str, Meta(pattern=_CURSOR_PATTERN, description="nextCursor")] | UnsetType = UNSET
    limit: PageSize = 50


class DeliveriesAnswer(msgspec.Struct, rename="camel"):
    """Newest first, of seven days."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


class Replay(msgspec.Struct):
    json_schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"required": ["ids"], "properties": {"ids": {"type": "array"}}},
            {"required": ["since"], "properties": {"since": {"type": "string"}}},
        ]
    }

    ids: Annotated[list[Id], Meta(min_length=1, max_length=1000)] | None = None
    since: Time | None = None
    until: Time | None = None
    state: Literal["failed", "all"] = "failed"

    def choice(self) -> Choice:
        """Raises ApiError 400 where nothing is chosen."""
        if self.ids is not None:
            return Choice(ids=[one.lower() for one in self.ids])
        if self.since is None:
            raise malformed("since", "required, unless there are ids")
        return Choice(since=self.since, until=self.until, all_states=self.state == "all")


class ReplayAnswer(msgspec.Struct):
    """How many are sent again, under the same `webhook-id`."""

    replayed: int
    success: bool = True
