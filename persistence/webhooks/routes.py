"""`/server/webhooks`: whom the app's backend wants called."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from persistence.database.pool import Pool
from persistence.webhooks import store as webhooks
from persistence.webhooks.shapes import (
    MadeAnswer,
    SecretAnswer,
    WebhookAnswer,
    WebhookBody,
    WebhookPatch,
    WebhooksAnswer,
)
from persistence.webhooks.vault import NoSecretsKey, Vault
from persistence.webhooks.views import TooManyWebhooks
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import ApiError, at_limit, not_found
from shared.outbound.guard import Allowed

TAG = "webhooks"
SCOPE = "webhooks"
PATH = "/server/webhooks"


class Ground(NamedTuple):
    """What the handlers work on; `refresh` makes this process know a change at once."""

    pool: Pool
    vault: Vault
    allowed: Allowed
    refresh: Callable[[], Awaitable[None]]


def no_webhook() -> ApiError:
    return not_found("there is no such webhook")


class Webhooks:
    """The handlers."""

    def __init__(self, ground: Ground) -> None:
        self._pool, self._vault, self._allowed, self._refresh = ground

    async def everyone(self, _: Call[Nothing, Nothing]) -> WebhooksAnswer:
        return WebhooksAnswer(await webhooks.everyone(self._pool))

    async def create(self, call: Call[WebhookBody, Nothing]) -> MadeAnswer:
        try:
            made = await webhooks.create(self._pool, call.actor, self._vault, call.body.wanted(self._allowed))
        except NoSecretsKey as absent:
            raise _no_key(absent) from None
        if isinstance(made, TooManyWebhooks):
            raise at_limit(f"{made.most} webhooks")
        await self._refresh()
        return MadeAnswer(made.webhook, made.secret)

    async def one(self, call: Call[Nothing, Nothing]) -> WebhookAnswer:
        found = await webhooks.one(self._pool, call.ids["webhook"])
        if found is None:
            raise no_webhook()
        return WebhookAnswer(found)

    async def change(self, call: Call[WebhookPatch, Nothing]) -> WebhookAnswer:
        changed = await webhooks.change(self._pool, call.actor, call.ids["webhook"], call.body.wanted(self._allowed))
        if changed is None:
            raise no_webhook()
        await self._refresh()
        return WebhookAnswer(changed)

    async def delete(self, call: Call[Nothing, Nothing]) -> Success:
        if not await webhooks.delete(self._pool, call.actor, call.ids["webhook"]):
            raise no_webhook()
        await self._refresh()
        return Success()

    async def rotate(self, call: Call[Nothing, Nothing]) -> SecretAnswer:
        try:
            secret = await webhooks.rotate(self._pool, call.actor, self._vault, call.ids["webhook"])
        except NoSecretsKey as absent:
            raise _no_key(absent) from None
        if secret is None:
            raise no_webhook()
        return SecretAnswer(secret)


def _no_key(absent: NoSecretsKey) -> ApiError:
    return ApiError(409, "no_secrets_key", f"this deployment keeps no secrets: {absent}")


def endpoints(ground: Ground) -> list[Endpoint]:
    handlers = Webhooks(ground)

    def route(method: str, path: str, name: str, summary: str, **more: object) -> Endpoint:
        fields: dict[str, object] = {"tag": TAG, "scope": SCOPE, "admins": True, "cost": FLAT, **more}
        return Endpoint(method=method, path=PATH + path, name=name, summary=summary, **fields)  # type: ignore[arg-type]

    return [
        route("GET", "", "listWebhooks", "List the webhooks", handler=handlers.everyone, response=WebhooksAnswer),
        route(
            "POST",
            "",
            "createWebhook",
            "Make a webhook",
            description="Its `secret` is shown once. Requests are signed as Standard Webhooks are; events may come more"
            " than once and out of order: `(conversationId, seq)` orders them, and the same event has the same"
            " `webhook-id`. What happens in the first second may not come.",
            handler=handlers.create,
            body=WebhookBody,
            response=MadeAnswer,
            statuses=(201,),
            errors=(409,),
        ),
        route("GET", "/{webhook}", "getWebhook", "A webhook", handler=handlers.one, response=WebhookAnswer,
              errors=(404,)),
        route("PATCH", "/{webhook}", "changeWebhook", "Change a webhook", handler=handlers.change, body=WebhookPatch,
              response=WebhookAnswer, errors=(404,)),
        route("DELETE", "/{webhook}", "deleteWebhook", "Delete a webhook, and what waits for it",
              handler=handlers.delete, response=Success, errors=(404,)),
        route("POST", "/{webhook}/secret", "rotateWebhookSecret", "A new secret", handler=handlers.rotate,
              description="The old one signs too for 24 hours.", response=SecretAnswer, errors=(404, 409)),
    ]  # fmt: skip
