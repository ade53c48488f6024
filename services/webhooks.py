"""The composition root of the service that delivers webhooks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services import openings
from shared.lifecycle import Stop, Tasks
from shared.outbound.guard import Outbound, allowed_of
from shared.settings import Settings
from webhooks.persistence_client import PersistenceClient
from webhooks.worker import LEASE_SECONDS, Worker


class WebhookDelivery:
    """The running service, for whoever serves its internal port."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def ready(self) -> dict[str, str]:
        """It serves nobody: ready means that persistence gives it work."""
        return {"persistence": self._worker.away}


@asynccontextmanager
async def webhooks(
    settings: Settings, stop: Stop, *, lease_seconds: float = LEASE_SECONDS
) -> AsyncIterator[WebhookDelivery]:
    """Runs until it is left; what is under way then is told again after its lease."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(openings.http_session())
        persistence = PersistenceClient(session, settings.persistence_url or "", settings.service_token or "")
        allowed = allowed_of(settings.webhook_allow, settings.webhook_deny)
        outbound = await stack.enter_async_context(Outbound(allowed))
        tasks = await stack.enter_async_context(Tasks("webhooks", stop))
        worker = Worker(persistence, outbound, tasks, lease_seconds=lease_seconds)
        tasks.spawn(worker.run(), name="claims")
        tasks.spawn(worker.settle(), name="outcomes")
        yield WebhookDelivery(worker)
