"""A webhook and its deliveries as they are listed."""

from typing import NamedTuple

from persistence.database.view import View


class Webhook(View, frozen=True):
    """Without its secret. `failingSince` is the first failure after the last success; null: it works."""

    id: str
    url: str
    events: list[str]
    description: str
    batch: int
    state: str
    disabled_reason: str | None
    failing_since: str | None
    last_success_at: str | None
    created_at: str


class DeliveryView(View, frozen=True):
    """`id` is the `webhook-id` of each attempt. `state` is `waiting`, `delivered` or `failed`. `answer` is the
    beginning of the endpoint's last answer, for keys that may change webhooks."""

    id: str
    type: str
    state: str
    attempts: int
    last_status: int | None
    last_error: str | None
    ms: int | None
    due_at: str
    created_at: str
    conversation_id: str | None
    seq: int | None
    answer: str | None


class NewWebhook(NamedTuple):
    """What somebody wants; a field that is None stays as it is."""

    url: str | None = None
    events: list[str] | None = None
    description: str | None = None
    batch: int | None = None
    active: bool | None = None


class TooManyWebhooks(NamedTuple):
    most: int


class MadeWebhook(NamedTuple):
    webhook: Webhook
    secret: str
