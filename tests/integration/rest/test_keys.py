"""A server key may what its scopes say, from a server, until it is revoked; and as a user what that user may."""

import hashlib
from datetime import UTC, datetime, timedelta
from unittest.mock import MagicMock

import pytest
from aiohttp import ClientSession

from persistence import app
from persistence.keys import store
from persistence.keys.gate import EXPOSED
from persistence.keys.scopes import EVERY, SCOPES, closed
from persistence.staff.ranks import Rank
from shared.auth import server_key
from shared.auth.caller import Actor
from shared.http.endpoint import Endpoint
from shared.ids import new_id
from shared.metrics import value_of
from shared.redact import redact_text
from shared.setting_forms import Bucket
from tests.integration.rest.conftest import Rest, Server, serving

KEYS = "/server/keys"
ROUTES: list[Endpoint] = app.server_endpoints(MagicMock(), MagicMock())


def filled(path: str) -> str:
    """The path of a route with ids that nobody has."""
    return "/".join(new_id() if part.startswith("{") else part for part in path.split("/"))


async def status_of(server: Server, route: Endpoint) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {server.key}"}
    async with server.http.request(route.method, filled(route.path), data=b"{}", headers=headers) as answer:
        body = await answer.json()
        return answer.status, body.get("code", "")


async def test_a_key_of_each_scope_reaches_exactly_the_routes_of_its_scope(rest: Rest) -> None:
    by_scope = {scope: await rest.key(scope) for scope in EVERY}
    wrong = []
    for route in ROUTES:
        least = route.scope + ":read" if route.method == "GET" else route.scope
        for scope, server in by_scope.items():
            status, code = await status_of(server, route)
            if ((status, code) == (403, "scope")) is (least in closed([scope])):
                wrong.append((route.method, route.path, scope, status, code))
    assert wrong == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_for_keys_has_a_scope_that_there_is_and_a_name(route: Endpoint) -> None:
    assert route.scope in SCOPES
    assert route.name
    assert route.path.startswith("/server/")


async def test_neither_a_stranger_nor_a_user_reaches_a_route_for_keys(rest: Rest) -> None:
    for route in ROUTES:
        person = rest.person()
        answer = await person.ask(route.method, filled(route.path), data=b"{}")
        assert (answer.status, (await answer.json())["code"]) == (403, "scope"), route.path
        assert (await rest.http.request(route.method, filled(route.path))).status == 401, route.path


async def test_an_admin_makes_a_key_that_is_shown_once_and_kept_as_a_hash(rest: Rest) -> None:
    admin = await rest.moderator("root", Rank.ADMIN)
    made = await admin.post(KEYS, {"name": "backend", "scopes": ["users", "keys:read"]}, 201)

    secret = server_key.read(made["secret"])
    assert secret is not None
    assert secret.key_id == made["key"]["id"]
    [row] = await rest.parts.pool.fetch("SELECT * FROM api_keys")
    assert row["hash"] == hashlib.sha256(secret.secret.encode()).digest()
    assert secret.secret not in repr(dict(row))
    server = Server(rest.http, made["secret"], secret.key_id)
    [listed] = (await server.ask("GET", KEYS))["keys"]
    assert listed == made["key"]
    assert "secret" not in listed
    audited = await admin.get("/moderation/audit", subject=secret.key_id)
    assert [(one["action"], one["actor"]) for one in audited["entries"]] == [("key.create", admin.id)]
    await (await rest.moderator()).post(KEYS, {"name": "x", "scopes": ["users"]}, 403)


async def test_a_key_makes_no_key_that_may_more_than_itself(rest: Rest) -> None:
    server = await rest.key("keys", "users")

    told = await server.ask("POST", KEYS, {"name": "more", "scopes": ["users:read", "messages"]}, 403)
    assert told["code"] == "scope"
    made = await server.ask("POST", KEYS, {"name": "less", "scopes": ["users:read"]}, 201)
    await Server(rest.http, made["secret"], "").ask("GET", KEYS, status=403)
    for body in ({"name": "x", "scopes": []}, {"name": " ", "scopes": ["users"]}, {"name": "x", "scopes": ["all"]}):
        await server.ask("POST", KEYS, body, 400)


async def test_a_key_that_was_revoked_or_has_expired_opens_nothing(rest: Rest) -> None:
    one, other = await rest.key("keys"), await rest.key("keys", until=datetime.now(UTC) - timedelta(seconds=1))

    await other.ask("GET", KEYS, status=401)
    await one.ask("DELETE", f"{KEYS}/{new_id()}", status=404)
    await one.ask("DELETE", f"{KEYS}/x", status=400)
    await one.ask("DELETE", f"{KEYS}/{one.key_id}")
    await one.ask("GET", KEYS, status=401)


async def test_another_process_stops_taking_a_revoked_key_at_its_next_look(rest: Rest) -> None:
    server = await rest.key("keys")

    assert await store.revoke(rest.parts.pool, Actor("cli", "ops"), server.key_id)
    await server.ask("GET", KEYS)
    await rest.refusals.refresh()  # services/persistence.py does so every second
    await server.ask("GET", KEYS, status=401)


async def test_a_key_that_is_wrong_in_any_part_opens_nothing(rest: Rest) -> None:
    server = await rest.key("keys")
    other = server_key.new_key(new_id())[0]
    another_secret = server_key.new_key(server.key_id)[0]
    for key in (other, another_secret, server.key[:-1] + "!", server.key[:-1], "parley_sk_", server.key + "0"):
        await Server(rest.http, key, "").ask("GET", KEYS, status=401)


async def test_a_key_in_a_web_page_is_refused_and_counted(rest: Rest) -> None:
    server, before = await rest.key("keys", "act_as"), value_of(EXPOSED)

    for path in (KEYS, "/api/conversations"):
        told = await server.ask("GET", path, status=403, Origin="https://app.example", Parley_User=new_id())
        assert told["code"] == "forbidden"
    assert value_of(EXPOSED) == before + 2
    fake = Server(rest.http, server_key.new_key(new_id())[0], "")
    await fake.ask("GET", KEYS, status=401, Origin="https://app.example")
    assert value_of(EXPOSED) == before + 2


async def test_a_key_acts_as_a_user_wherever_users_ask_and_is_audited_as_both(rest: Rest) -> None:
    server, ann, bob = await rest.key("act_as", "moderation:read"), new_id(), rest.person("bob")
    started = await server.ask("POST", "/api/conversations", {"participantIds": [bob.id]}, 201, Parley_User=ann)
    room = started["conversation"]["id"]
    sent = await server.ask("POST", f"/api/conversations/{room}/messages", {"text": "hi"}, 201, Parley_User=ann)
    assert sent["message"]["senderId"] == ann
    assert (await bob.get(f"/api/conversations/{room}/messages"))["messages"][0]["text"] == "hi"

    audited = (await server.ask("GET", f"/server/moderation/audit?actor={server.key_id}"))["entries"]
    assert {(one["action"], one["actorKind"], one["actAs"]) for one in audited} == {
        ("act_as.createConversation", "key", ann),
        ("act_as.sendMessage", "key", ann),
    }
    await server.ask("GET", "/api/conversations", status=400)
    await server.ask("GET", "/api/conversations", status=400, Parley_User="ann")
    assert (await server.ask("GET", "/moderation/audit", status=403, Parley_User=ann))["code"] == "scope"


async def test_a_key_that_may_only_read_as_a_user_changes_nothing_as_them(rest: Rest) -> None:
    server, other = await rest.key("act_as:read"), await rest.key("users", "messages")

    await server.ask("GET", "/api/conversations", Parley_User=new_id())
    body = {"participantIds": [new_id()]}
    assert (await server.ask("POST", "/api/conversations", body, 403, Parley_User=new_id()))["code"] == "scope"
    assert (await other.ask("GET", "/api/conversations", status=403, Parley_User=new_id()))["code"] == "scope"


async def test_acting_as_a_user_leaves_their_name_and_their_bucket_alone(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, per_user=Bucket(0.001, 5), per_key=Bucket(0.001, 20)) as rest:
        ann, server = rest.person("ann"), await rest.key("act_as")
        await ann.get("/api/conversations")
        for _ in range(20):
            await server.ask("GET", "/api/conversations", Parley_User=ann.id)
        await server.ask("GET", "/api/conversations", status=429, Parley_User=ann.id)
        await ann.get("/api/conversations")
        assert await rest.parts.pool.fetchval("SELECT handle FROM users WHERE id = $1", ann.id) == "ann"


async def test_nobody_acts_as_who_is_banned(rest: Rest) -> None:
    server, ann = await rest.key("act_as"), rest.person()
    await rest.ask_internal("/internal/ban", {"userId": ann.id})

    await server.ask("GET", "/api/conversations", status=403, Parley_User=ann.id)


async def test_without_a_server_api_there_is_no_such_route(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, server_api=False) as rest:
        admin = await rest.moderator("root", Rank.ADMIN)
        for path in (KEYS, "/server/openapi.json", "/server/moderation/audit", "/server/users"):
            await admin.get(path, 404)
        await admin.get("/moderation/audit")


async def test_the_use_of_a_key_is_told_to_the_minute(rest: Rest) -> None:
    server = await rest.key("keys")
    await server.ask("GET", KEYS)
    await rest.keyring.flush()

    [listed] = (await server.ask("GET", KEYS))["keys"]
    assert listed["lastUsedAt"][16:] == ":00.000Z"


async def test_the_document_of_the_server_api_is_one_of_its_own(rest: Rest) -> None:
    async with ClientSession(rest.url) as http:
        ours = await (await http.get("/server/openapi.json")).json()
        theirs = await (await http.get("/openapi.json")).json()
        page = await (await http.get("/server/docs")).text()
    assert set(ours["paths"]) == {route.path for route in ROUTES}
    assert not set(ours["paths"]) & set(theirs["paths"])
    assert all(path in page for path in ours["paths"])


def test_no_key_and_no_secret_of_a_webhook_reaches_a_log() -> None:
    key = server_key.new_key(new_id())[0]
    presented = server_key.read(key)
    assert presented is not None
    for text in (key, f"the key {key} is wrong", f"?k={key}&x=1", f'{{"a": "{key}"}}'):
        assert presented.secret not in redact_text(text)
    for secret in ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AbC+/=="):
        assert secret[6:] not in redact_text(f"secret {secret}!")
        assert secret[6:] not in redact_text(secret)
