import jwt
import pytest
from aiohttp import ClientSession

from shared.auth import mint
from shared.ids import new_id
from shared.setting_forms import Bucket
from tests.integration.rest.conftest import SECRET, SERVICE_TOKEN, Person, Rest, serving

ROUTES = [
    ("DELETE", "", None),
    ("GET", "/messages", None),
    ("GET", "/messages?before=5", None),
    ("GET", "/messages?after=0", None),
    ("POST", "/messages", {"text": "let me in"}),
    ("POST", "/messages/status", {"messageIds": [new_id()], "status": "read"}),
    ("POST", "/typing", {"isTyping": True}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_a_stranger_and_an_unknown_conversation_are_answered_alike(
    rest: Rest, method: str, path: str, body: object
) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    conversation = await ann.start(bob)
    await ann.send(conversation, "secret")

    answers = []
    for target in (conversation, new_id()):
        async with await eve.ask(method, f"/api/conversations/{target}{path}", json=body) as answer:
            answers.append((answer.status, await answer.json()))

    assert answers[0] == answers[1]
    assert answers[0][0] == 403


async def test_a_stranger_sees_nothing_of_a_conversation_by_list_or_sync(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    conversation = await ann.start(bob)
    await ann.send(conversation, "secret")

    synced = await eve.post("/api/sync", {"conversations": {conversation: 0}})

    assert (await eve.get("/api/conversations"))["conversations"] == []
    assert (synced["conversations"], synced["left"]) == ({}, [conversation])


async def test_the_same_id_in_capitals_is_the_same_conversation(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)

    assert (await ann.send(conversation.upper(), "hello"))["conversationId"] == conversation


async def test_an_id_that_is_no_uuid_is_malformed(rest: Rest) -> None:
    refused = await rest.person().get("/api/conversations/nonsense/messages", 400)

    assert refused == {"error": "expected a UUID", "code": "malformed", "field": "id"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer not.a.token",
        "Bearer " + mint("another secret, also longer than 32 bytes", new_id()),
        "Bearer " + mint(SECRET, new_id(), ttl=-10),
        "Bearer " + mint(SECRET, new_id(), role="service_role"),
        "Bearer " + mint(SECRET, new_id(), role="anon"),
        "Bearer " + mint(SECRET, new_id(), audience="elsewhere"),
        "Bearer " + jwt.encode({"sub": new_id()}, "", algorithm="none"),
        "Bearer \u00ff\u00fe",
    ],
)
async def test_who_has_no_valid_token_is_unauthorized(rest: Rest, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with rest.http.get("/api/conversations", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["code"] == "unauthorized"


async def test_the_scheme_may_be_written_in_any_case(rest: Rest) -> None:
    token = mint(SECRET, new_id())
    async with rest.http.get("/api/conversations", headers={"Authorization": f"bEARER {token}"}) as answer:
        assert answer.status == 200


async def test_the_handle_follows_the_token(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    conversation = await ann.start(bob)
    renamed = rest.person("anna", user_id=ann.id)

    assert (await renamed.send(conversation, "hi"))["senderHandle"] == "anna"


async def test_who_asks_too_often_is_told_when_to_come_back(database_url: str, redis_url: str) -> None:
    async with serving(database_url, redis_url, per_user=Bucket(1, 3)) as rest:
        ann, bob = rest.person("ann"), rest.person("bob")
        statuses = [(await ann.ask("GET", "/api/conversations")).status for _ in range(4)]
        refused = await ann.ask("GET", "/api/conversations")

        assert statuses == [200, 200, 200, 429]
        assert refused.headers["Retry-After"] == "1"
        assert (await refused.json())["code"] == "rate_limited"
        await bob.get("/api/conversations")


async def test_an_address_is_limited_before_its_tokens_are_looked_at_and_health_is_exempt(
    database_url: str, redis_url: str
) -> None:
    async with serving(database_url, redis_url, per_address=Bucket(1, 3)) as rest:
        statuses = []
        for _ in range(5):
            async with rest.http.get("/api/conversations") as answer:
                statuses.append(answer.status)
        async with rest.http.get("/health") as answer:
            health = answer.status

    assert statuses == [401, 401, 401, 429, 429]
    assert health == 200


@pytest.mark.parametrize("token", [None, "wrong", SERVICE_TOKEN + "x", "\u00ff"])
@pytest.mark.parametrize("path", ["/internal/heads", "/internal/push/targets", "/internal/nothing"])
async def test_internal_routes_want_the_service_token(rest: Rest, token: str | None, path: str) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with rest.internal.post(path, json={}, headers=headers) as answer:
        assert answer.status == 401


async def test_a_user_is_no_service(rest: Rest) -> None:
    ann = rest.person()
    inside = Person(rest.internal, ann.id, ann.token)

    await inside.post("/internal/heads", {}, 401)


async def test_the_internal_routes_are_not_on_the_public_port(rest: Rest) -> None:
    for path in ("/internal/heads", "/metrics", "/live", "/ready"):
        async with rest.http.get(path, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}) as answer:
            assert answer.status == 404


async def test_a_web_page_may_send_a_token_an_id_of_its_request_and_the_trace_that_it_belongs_to(rest: Rest) -> None:
    wanted = {"authorization", "content-type", "x-request-id", "traceparent"}
    files = {"tus-resumable", "upload-offset", "range", "if-range", "if-none-match"}
    ask = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(sorted(wanted)),
    }

    async with rest.http.options("/api/conversations", headers=ask) as answer:
        granted = answer.headers["Access-Control-Allow-Headers"].lower()

    assert {name.strip() for name in granted.split(",")} == wanted | files


async def test_a_web_page_may_ask_only_from_an_allowed_origin(rest: Rest) -> None:
    async def allowed(http: ClientSession, origin: str) -> str | None:
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with http.options("/api/conversations", headers=ask) as answer:
            granted = answer.headers.get("Access-Control-Allow-Origin")
            assert answer.status == (204 if granted else 403)
        async with http.get("/health", headers={"Origin": origin}) as answer:
            assert answer.headers.get("Access-Control-Allow-Origin") == granted
            assert answer.headers["Vary"] == "Origin"
        return granted

    assert await allowed(rest.http, "https://app.example") == "https://app.example"
    assert await allowed(rest.http, rest.url) == rest.url
    assert await allowed(rest.http, "https://evil.example") is None
    assert await allowed(rest.http, "null") is None
