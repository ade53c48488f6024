"""Persistence's REST as an app reaches it: real sockets, real Postgres, real Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse, ClientSession

from persistence.app import OUTAGES, PersistenceDeps, endpoints, health, internal_endpoints, remember_in
from persistence.attachments.rules import DEFAULT_FILE_RULES, FileRules
from persistence.database.pool import open_pool
from persistence.keys.gate import KeyGate, KeyLimits
from persistence.keys.keyring import Keyring
from persistence.keys.store import KEYS
from persistence.keys.store import create as create_key
from persistence.keys.views import MadeKey
from persistence.profiles.changes import ProfileChanges
from persistence.quotas import Quotas
from persistence.rules import DEFAULT_RULES, Rules
from persistence.screening.screen import Screen
from persistence.screening.screening import Screening
from persistence.staff.gate import StaffGate
from persistence.staff.ranks import Rank
from persistence.staff.staff import Staff
from persistence.staff.store import ROLES, grant
from persistence.users.refusals import Refusals
from persistence.webhooks.parts import ServerParts
from persistence.webhooks.store import WEBHOOKS
from persistence.webhooks.vault import Vault
from services.listening import listening
from shared.auth import TokenVerifier, mint
from shared.auth.caller import Actor
from shared.http.app import internal_app, public_app
from shared.http.gate import Limits, UserGate
from shared.http.origins import Origins
from shared.http.strangers import Strangers
from shared.ids import new_id
from shared.lifecycle import Stop, Tasks
from shared.limits import RateLimiter
from shared.outbound.guard import Allowed
from shared.presence import PresenceReader
from shared.setting_forms import Bucket
from shared.tracing import NoTracing
from tests.integration.persistence.parts import Parts, parts

SECRET = "a secret of the tests that is longer than 32 bytes"
SERVICE_TOKEN = "service-token-of-the-tests"
PUBLIC_ONLY = Allowed()
PLENTY = Bucket(10_000, 10_000)


@dataclass
class Person:
    """A signed-in user with an HTTP client."""

    http: ClientSession
    id: str
    token: str

    async def ask(self, method: str, path: str, **options: Any) -> ClientResponse:
        return await self.http.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        response = await self.ask("GET", path, params=params)
        return await _json(response, status)

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        # Not `json=`: that escapes every character beyond ASCII, and warns of a body that is long.
        return await _json(await self.ask("POST", path, data=BytesIO(orjson.dumps(body))), status)

    async def put(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        data = None if body is None else BytesIO(orjson.dumps(body))
        return await _json(await self.ask("PUT", path, data=data, **headers), status)

    async def delete(self, path: str, status: int = 200) -> Any:
        return await _json(await self.ask("DELETE", path), status)

    async def start(self, *others: "Person", **fields: Any) -> str:
        """A new conversation with these people; its id."""
        body = {"participantIds": [other.id for other in others], **fields}
        return str((await self.post("/api/conversations", body, 201))["conversation"]["id"])

    async def send(self, conversation_id: str, text: str, status: int = 201, **fields: Any) -> Any:
        answer = await self.post(f"/api/conversations/{conversation_id}/messages", {"text": text, **fields}, status)
        return answer.get("message", answer)


@dataclass
class Server:
    """The app's own server: it has a key."""

    http: ClientSession
    key: str
    key_id: str

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The answer; `Parley_User` and other headers by name."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else BytesIO(orjson.dumps(body))
        authorization = {"Authorization": f"Bearer {self.key}"}
        return await _json(await self.http.request(method, path, data=data, headers=authorization | named), status)


async def _json(response: ClientResponse, status: int) -> Any:
    body = await response.json()
    assert response.status == status, body
    return body


@dataclass
class Rest:
    """A persistence process that serves."""

    http: ClientSession
    internal: ClientSession
    parts: Parts
    url: str
    refusals: Refusals
    keyring: Keyring
    inside: str

    def person(self, handle: str = "ann", user_id: str | None = None) -> Person:
        user_id = user_id or new_id()
        return Person(self.http, user_id, mint(SECRET, user_id, handle))

    async def moderator(self, handle: str = "mod", rank: Rank = Rank.MODERATOR) -> Person:
        """A signed-in user of the staff, whom the process knows as such already."""
        person = self.person(handle)
        await grant(self.parts.pool, Actor("cli", "tests"), person.id, rank)
        await self.refusals.refresh()
        return person

    async def key(self, *scopes: str, until: datetime | None = None) -> Server:
        """The app's own server with a key of these scopes, which the process knows already."""
        made = await create_key(self.parts.pool, Actor("cli", "tests"), "tests", scopes, until)
        assert isinstance(made, MadeKey)
        await self.refusals.refresh()
        return Server(self.http, made.text, made.key.id)

    async def ask_internal(self, path: str, body: Any, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        return await _json(await self.internal.post(path, json=body, headers=headers), status)


@asynccontextmanager
async def serving(
    database_url: str,
    redis_url: str,
    *,
    per_user: Bucket = PLENTY,
    per_address: Bucket = PLENTY,
    rules: Rules = DEFAULT_RULES,
    failures: Bucket = PLENTY,
    new_conversations: Bucket = PLENTY,
    new_people: Bucket = PLENTY,
    new_reports: Bucket = PLENTY,
    per_key: Bucket = PLENTY,
    server_api: bool = True,
    file_rules: FileRules = DEFAULT_FILE_RULES,
    allowed: Allowed = PUBLIC_ONLY,
    screen: Screen | None = None,
) -> AsyncIterator[Rest]:
    pool = await open_pool(database_url, size=8)
    stop = Stop()
    async with pool, parts(pool, redis_url) as running, running.running(), Tasks("persistence", stop) as tasks:
        limiter, strangers = RateLimiter(running.redis, tasks), Strangers(per_address, failures)
        limits = Limits(limiter, per_address, per_user, strangers)
        refusals, staff = Refusals(pool), Staff(pool)
        refusals.listen(ROLES, staff.refresh)
        users = UserGate(TokenVerifier(secrets=[SECRET]), limits, remember_in(pool, rules), refusals.judge)
        keyring = Keyring(pool)
        refusals.listen(KEYS, keyring.refresh)
        hooks = running.hooks
        refusals.listen(WEBHOOKS, hooks.refresh)
        await refusals.refresh()
        counted = KeyLimits(limiter, per_key, strangers)
        gate = KeyGate(pool, keyring, StaffGate(users, staff), counted, refusals.judge)
        presence = PresenceReader(running.redis, lambda: running.epoch)
        quotas = Quotas(limiter, new_conversations, new_people, new_reports)
        changes = ProfileChanges(pool, running.delivery)
        tasks.periodically(0.1, changes.tell, name="profiles")
        deps = PersistenceDeps(
            pool=pool,
            delivery=running.delivery,
            memberships=running.memberships,
            receipts=running.announcer,
            queue=running.queue,
            presence=presence,
            refusals=refusals,
            ack_timeout_seconds=1.0,
            tracing=NoTracing(),
            quotas=quotas,
            profile_changes=changes,
            rules=rules,
            server=ServerParts(hooks, Vault([b"k" * 32]), allowed) if server_api else None,
            file_rules=file_rules,
            screening=None if screen is None else Screening(pool, screen),
        )
        health_of = health(pool, running.redis)
        routes = [*endpoints(deps), health_of.endpoint()]
        origins = Origins(["https://app.example"])
        app = public_app("persistence", routes, gate, origins=origins, outages=OUTAGES, strangers=strangers)
        internal = internal_app(
            "persistence", internal_endpoints(deps), token=SERVICE_TOKEN, ready=health_of.vital_parts, outages=OUTAGES
        )
        async with listening(app, "127.0.0.1", 0) as port, listening(internal, "127.0.0.1", 0) as internal_port:
            outside, inside = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal_port}"
            async with ClientSession(outside) as http, ClientSession(inside) as internal_http:
                yield Rest(http, internal_http, running, outside, refusals, keyring, inside)


@pytest.fixture
async def rest(database_url: str, redis_url: str) -> AsyncIterator[Rest]:
    async with serving(database_url, redis_url) as served:
        yield served
