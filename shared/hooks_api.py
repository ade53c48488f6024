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


class Delivery(Shape):
    """`payload` is what is to be told, as it is now. `once`: whatever comes of it, there is no second attempt."""

    webhook_id: str
    conversation_id: str
    event_id: str
    payload: msgspec.Raw
    once: bool = False


class ClaimsRequest(Shape):
    lease_seconds: float


class ClaimsAnswer(Shape):
    """`deliveries` in the order in which their attempts are to start. `idle`: there is no endpoint at all."""

    endpoints: list[Endpoint]
    deliveries: list[Delivery]
    idle: bool = False


class Outcome(Shape):
    """Of one attempt. `status` is what the endpoint answered, None where it did not; `error` says what went wrong,
    None for a success. `answer` is the beginning of the answer's body."""

    webhook_id: str
    conversation_id: str
    event_id: str
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
