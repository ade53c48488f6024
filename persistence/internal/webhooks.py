"""What the service `webhooks` asks and tells: `/internal/webhooks`."""

from collections.abc import Awaitable, Callable

from persistence.database.pool import Pool
from persistence.internal.question import question
from persistence.webhooks import claims, outcomes
from persistence.webhooks.parts import ServerParts
from persistence.webhooks.vault import NoSecretsKey
from shared import hooks_api
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import malformed, unavailable

LONGEST_LEASE = 600.0


class WebhookWork:
    """The handlers; `refresh` makes this process know at once what was disabled."""

    def __init__(self, pool: Pool, server: ServerParts | None, refresh: Callable[[], Awaitable[None]]) -> None:
        self._pool = pool
        self._server = server
        self._refresh = refresh

    async def claim(self, call: Call[hooks_api.ClaimsRequest, Nothing]) -> hooks_api.ClaimsAnswer:
        if not 0 < call.body.lease_seconds <= LONGEST_LEASE:
            raise malformed("leaseSeconds", f"expected at most {LONGEST_LEASE:.0f}")
        if self._server is None or not self._server.hooks.there_are_any:
            return hooks_api.ClaimsAnswer([], idle=True)
        try:
            return await claims.claim(self._pool, self._server.vault, call.body.lease_seconds)
        except NoSecretsKey as absent:
            raise unavailable(f"webhooks cannot be signed: {absent}") from None

    async def settle(self, call: Call[hooks_api.OutcomesRequest, Nothing]) -> hooks_api.Done:
        if self._server and await outcomes.settle(self._pool, self._server.hooks, call.body.outcomes):
            await self._refresh()
        return hooks_api.Done()


def endpoints(pool: Pool, server: ServerParts | None, refresh: Callable[[], Awaitable[None]]) -> list[Endpoint]:
    work = WebhookWork(pool, server, refresh)
    return [
        question(hooks_api.CLAIMS, work.claim, hooks_api.ClaimsRequest, hooks_api.ClaimsAnswer),
        question(hooks_api.OUTCOMES, work.settle, hooks_api.OutcomesRequest, hooks_api.Done),
    ]
