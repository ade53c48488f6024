"""What a persistence process runs for the app's own server: its keys, and its webhooks."""

from typing import NamedTuple

from persistence.database.pool import Pool
from persistence.keys.keyring import Keyring
from persistence.keys.store import KEYS
from persistence.users.refusals import Refusals
from persistence.webhooks import deliveries
from persistence.webhooks.noting import Hooks
from persistence.webhooks.parts import ServerParts
from persistence.webhooks.store import WEBHOOKS
from persistence.webhooks.vault import Vault
from shared.lifecycle import Tasks
from shared.outbound.guard import allowed_of
from shared.settings import Settings

KEYS_SECONDS = 60.0
SAMPLE_SECONDS = 5.0
SWEEP_SECONDS = 60.0


class ServerApi(NamedTuple):
    """None where SERVER_API is off."""

    keyring: Keyring
    parts: ServerParts


def server_api(settings: Settings, pool: Pool, hooks: Hooks, refusals: Refusals, tasks: Tasks) -> ServerApi | None:
    """To be called before the first `refresh` of the refusals, by which keys and webhooks are read."""
    if settings.server_api != "on":
        return None
    keyring = Keyring(pool)
    refusals.listen(KEYS, keyring.refresh)
    refusals.listen(WEBHOOKS, hooks.refresh)
    tasks.periodically(KEYS_SECONDS, keyring.flush, name="keys")
    _repeat(tasks, pool, hooks)
    allowed = allowed_of(settings.webhook_allow, settings.webhook_deny)
    return ServerApi(keyring, ServerParts(hooks, Vault(settings.secrets_keys), allowed))


def _repeat(tasks: Tasks, pool: Pool, hooks: Hooks) -> None:
    """Without a webhook none of it runs a statement."""

    async def sample() -> None:
        if hooks.there_are_any:
            await deliveries.sample(pool)

    async def sweep() -> None:
        if hooks.there_are_any:
            await deliveries.sweep(pool)

    tasks.periodically(SAMPLE_SECONDS, sample, name="webhook_metrics")
    tasks.periodically(SWEEP_SECONDS, sweep, name="webhook_retention")
