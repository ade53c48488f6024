"""Persistence that serves, with a key for webhooks, and the service that delivers them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from services.webhooks import WebhookDelivery, webhooks
from shared.lifecycle import Stop
from shared.outbound.guard import Allowed
from shared.settings import from_mapping
from tests.integration.rest.conftest import SERVICE_TOKEN, Rest, Server, serving
from tests.integration.webhooks.endpoint import Backend

LOOPBACK = Allowed(networks=(ip_network("127.0.0.0/8"),))
HOOKS = "/server/webhooks"


@dataclass
class World:
    rest: Rest
    server: Server

    async def webhook(self, backend: Backend, *events: str, **fields: Any) -> dict[str, Any]:
        """A new one; with its `secret`."""
        body = {"url": backend.url, "events": list(events) or ["*"], **fields}
        made = await self.server.ask("POST", HOOKS, body, 201)
        return {**made["webhook"], "secret": made["secret"]}

    async def deliveries(self, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found = await self.server.ask("GET", f"{HOOKS}/{webhook['id']}/deliveries?{asked}")
        listed: list[dict[str, Any]] = found["deliveries"]
        return listed

    @asynccontextmanager
    async def delivering(self, *, lease_seconds: float = 60.0, **settings: str) -> AsyncIterator[WebhookDelivery]:
        """One process of the service. Leaving is as sudden as a death: what is under way is told to nobody."""
        known = {"PERSISTENCE_URL": self.rest.inside, "SERVICE_TOKEN": SERVICE_TOKEN, "WEBHOOK_ALLOW": "127.0.0.0/8"}
        async with webhooks(from_mapping(known | settings), Stop(), lease_seconds=lease_seconds) as running:
            yield running

    async def due_now(self) -> None:
        """What waits for another attempt waits no longer."""
        await self.rest.parts.pool.execute("UPDATE hook_deliveries SET due_at = now() WHERE state = 'waiting'")


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with serving(database_url, redis_url, allowed=LOOPBACK) as rest:
        yield World(rest, await rest.key("webhooks", "messages", "conversations"))
