"""What the service `webhooks` and persistence agree on: work that is claimed, and what became of it."""

import msgspec

from shared.api import Shape

CLAIMS = "/internal/webhooks/claims"
OUTCOMES = "/internal/webhooks/outcomes"

AT_ONCE = 16
"""Requests to one endpoint that are under way at a time, in the whole fleet."""
MOST_ROWS = 400
"""Deliveries to one endpoint that are in somebody's hands at a time."""


class Endpoint(Shape):
    """`secrets` sign, the newest first. `batch` is how many events one request may carry."""

    id: str
    url: str
    secrets: list[str]
    batch: int


class Delivery(msgspec.Struct, array_like=True, frozen=True):
    """`payload` is what is to be told, as it is now. `once`: whatever comes of it, there is no second attempt. An array
    on the wire: there are thousands, and names would be most of what is read."""

    conversation_id: str
    event_id: str
    payload: msgspec.Raw
    once: bool = False


class Work(Shape):
    """What one endpoint is to be told, in the order in which attempts are to start."""

    endpoint: Endpoint
    deliveries: list[Delivery]


class ClaimsRequest(Shape):
    lease_seconds: float


class ClaimsAnswer(Shape):
    """`idle`: there is no endpoint at all."""

    work: list[Work]
    idle: bool = False


class Outcome(Shape):
    """Of one attempt, of one event or a batch: `told` are its (conversation, event id). `status` is what the endpoint
    answered, None where it did not; `error` says what went wrong, None for a success. `answer` is the beginning of the
    answer's body."""

    webhook_id: str
    told: list[tuple[str, str]]
    status: int | None
    error: str | None
    ms: int
    retry_after: float | None = None
    answer: str = ""
    once: bool = False


class OutcomesRequest(Shape):
    outcomes: list[Outcome]


class Done(Shape):
    pass
