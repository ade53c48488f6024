"""What is asked before a message is sent: by whom, how often, and what becomes of the message."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from persistence.screening.hook import FAILURES, BeforeSendHook
from persistence.screening.releasing import Releaser
from persistence.screening.screen import OnFailure, Screen
from persistence.screening.words import BlockedWords
from services.listening import listening
from tests.integration.rest.conftest import Person, Rest, serving
from tests.integration.rest.test_reports import queue, resolve
from tests.integration.rest.test_touches import of, patch

Json = Any
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def rejected() -> float:
    """How many sends were refused for that so far."""
    return REGISTRY.get_sample_value("parley_persistence_sends_refused_total", {"reason": "rejected"}) or 0.0


class Hook:
    """A server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.headers: list[Any] = []
        self.answer: Callable[[], Awaitable[web.StreamResponse]] = self.says({"action": "allow"})

    def says(self, body: Json, status: int = 200) -> Callable[[], Awaitable[web.StreamResponse]]:
        async def answer() -> web.StreamResponse:
            return web.json_response(body, status=status)

        return answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(b"k" * 32, signed, hashlib.sha256)).decode()
        assert request.headers["webhook-signature"] == f"v1,{expected}"
        self.asked.append(orjson.loads(body))
        return await self.answer()


@asynccontextmanager
async def screened(
    database_url: str, redis_url: str, on_failure: OnFailure = "open", words: str = "", *, flags: bool = False
) -> AsyncIterator[tuple[Rest, Hook, Person, Person, str]]:
    hook, app = Hook(), web.Application()
    app.router.add_post("/", hook.handle)
    app.router.add_get("/", hook.handle)
    async with listening(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        asked = BeforeSendHook(session, f"http://127.0.0.1:{port}/", SECRET, 0.4)
        screen = Screen(asked, BlockedWords(words.split()) if words else None, on_failure, flags=flags)
        async with serving(database_url, redis_url, screen=screen) as rest:
            ann, bob = rest.person("ann"), rest.person("bob")
            yield rest, hook, ann, bob, await ann.start(bob)


async def test_the_hook_is_told_who_says_what_and_only_once(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        sent = await ann.send(room, " hello ", clientId="c1", mediaUrl="https://a.example/x.jpg")
        assert (await ann.send(room, "hello", 200, clientId="c1"))["id"] == sent["id"]
        await rest.person("eve").send(room, "let me in", 403)
        await ann.put(f"/api/blocks/{bob.id}")
        for person in (ann, bob):
            await person.send(room, "x", 403)

        [asked] = hook.asked
        data = asked["data"]
        assert asked["type"] == "message.before_send"
        assert (data["conversationId"], data["isGroup"], data["participantCount"]) == (room, False, 2)
        assert (data["text"], data["mediaUrl"], data["clientId"]) == ("hello", "https://a.example/x.jpg", "c1")
        assert (data["sender"]["id"], data["sender"]["handle"]) == (ann.id, "ann")
        assert data["sender"]["createdAt"].endswith("Z")


async def test_it_rewrites_and_rejects_messages_and_edits(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url) as (_, hook, ann, bob, room):
        sent = await ann.send(room, "fine")
        hook.answer = hook.says({"action": "rewrite", "text": " f*** "})
        assert (await ann.send(room, "bad"))["text"] == "f***"
        assert (await patch(ann, of(room, sent), {"text": "bad"}))["message"]["text"] == "f***"
        hook.answer = hook.says({"action": "reject", "reason": "insults"})
        refused = await ann.send(room, "worse", 422)
        assert (refused["code"], refused["reason"]) == ("rejected", "insults")
        assert (await patch(ann, of(room, sent), {"text": "worse"}, 422))["reason"] == "insults"
        hook.answer = hook.says({"action": "hold"})
        assert (await patch(ann, of(room, sent), {"text": "worse"}, 422))["code"] == "held"
        texts = [one["text"] for one in (await bob.get(f"/api/conversations/{room}/messages"))["messages"]]
        assert texts == ["f***", "f***"]


async def test_what_is_held_is_sent_once_it_is_approved(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        mod = await rest.moderator()
        hook.answer = hook.says({"action": "hold"})
        message = {"text": "perhaps", "clientId": "c1", "data": {"a": 1}}
        where = f"/api/conversations/{room}/messages"

        held = (await ann.post(where, message, 202))["held"]
        assert (await ann.post(where, message, 202))["held"] == held
        assert (held["clientId"], len(hook.asked)) == ("c1", 1)
        [item] = await queue(mod, kind="held")
        assert (item["target"], item["author"]["id"], item["conversationId"]) == (held["id"], ann.id, room)
        assert (await mod.get(f"/moderation/items/{item['id']}"))["item"]["evidence"]["text"] == "perhaps"
        assert (await bob.get(where))["messages"] == []

        await resolve(mod, item, "approve")

        [sent] = (await bob.get(where))["messages"]
        assert (sent["text"], sent["clientId"], sent["data"]) == ("perhaps", "c1", {"a": 1})
        assert (await ann.post(where, message, 200))["message"]["id"] == sent["id"]
        assert (await resolve(mod, item, "approve", 409))["code"] == "changed"


async def test_what_is_held_and_rejected_is_never_sent_and_its_sender_is_told(
    database_url: str, redis_url: str
) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        mod = await rest.moderator()
        hook.answer = hook.says({"action": "hold"})
        where = f"/api/conversations/{room}/messages"
        held = (await ann.post(where, {"text": "SECRET"}, 202))["held"]
        assert held["clientId"] is None
        await ann.post(where, {"text": "SECRET", "clientId": "c2"}, 202)
        for item in await queue(mod, kind="held"):
            await resolve(mod, item, "reject")

        assert (await bob.get(where))["messages"] == []
        refused = await ann.post(where, {"text": "SECRET", "clientId": "c2"}, 422)
        assert (refused["code"], refused["reason"]) == ("rejected", "rule 3")
        notices = (await ann.get("/api/me/notices"))["notices"]
        assert [(one["action"], one["reason"]) for one in notices] == [("reject", "rule 3")] * 2
        assert await rest.parts.pool.fetchval("SELECT count(*) FROM held_messages WHERE body <> ''") == 0


async def test_an_approved_message_is_sent_by_another_process_where_the_first_one_died(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        mod, where = await rest.moderator(), f"/api/conversations/{room}/messages"
        hook.answer = hook.says({"action": "hold"})
        await ann.post(where, {"text": "perhaps"}, 202)
        [item] = await queue(mod)
        released, release = [], Releaser.release

        async def die(self: Releaser) -> None:
            released.append(self)

        monkeypatch.setattr(Releaser, "release", die)
        await resolve(mod, item, "approve")
        assert (await bob.get(where))["messages"] == []
        for _ in range(2):
            await release(released[0])
        assert [one["text"] for one in (await bob.get(where))["messages"]] == ["perhaps"]


async def too_large() -> web.StreamResponse:
    return web.Response(body=b'{"action": "allow", "x": "' + b"x" * 10_000_000 + b'"}')


async def too_late() -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.json_response({"action": "allow"})


async def elsewhere() -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/"})


async def no_json() -> web.StreamResponse:
    return web.Response(text="allow")


async def nothing_shows() -> web.StreamResponse:
    return web.json_response({"action": "rewrite", "text": " \u200b "})


async def angry() -> web.StreamResponse:
    return web.json_response({"action": "allow"}, status=500)


@pytest.mark.parametrize("lie", [too_large, too_late, elsewhere, no_json, nothing_shows, angry])
async def test_a_hook_that_lies_is_a_failure_within_the_budget(
    lie: Callable[[], Awaitable[web.StreamResponse]], database_url: str, redis_url: str
) -> None:
    async with screened(database_url, redis_url, "closed") as (_, hook, ann, _bob, room):
        hook.answer = lie
        begun = asyncio.get_running_loop().time()
        assert (await ann.send(room, "x", 503))["code"] == "unavailable"
        assert asyncio.get_running_loop().time() - begun < 3


async def test_what_was_not_checked_is_sent_and_moderators_look_at_it(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url, "open") as (rest, hook, ann, _, room):
        mod = await rest.moderator()
        hook.answer = angry
        sent = [await ann.send(room, str(number)) for number in range(FAILURES + 2)]
        assert len(hook.asked) == FAILURES  # the others found it dead, and did not wait
        items = await queue(mod)
        assert {(one["kind"], one["target"]) for one in items} == {("message", one["id"]) for one in sent}
        assert all(one["reasons"] == ["unchecked"] and one["reports"] == 0 for one in items)
        await resolve(mod, items[0], "delete")


async def test_a_failure_may_hold_what_was_not_checked(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url, "hold") as (rest, hook, ann, _, room):
        hook.answer = angry
        await ann.post(f"/api/conversations/{room}/messages", {"text": "x"}, 202)
        [item] = await queue(await rest.moderator())
        assert (item["kind"], item["reasons"]) == ("held", ["unchecked"])


@pytest.mark.parametrize("flags", [False, True])
async def test_blocked_words_are_rejected_or_flagged_however_they_are_written(
    database_url: str, redis_url: str, flags: bool
) -> None:
    async with screened(database_url, redis_url, words="Quark straße", flags=flags) as (rest, _, ann, _bob, room):
        sent, refused = await ann.send(room, "quarks are fine"), rejected()
        for text in ("QUARK!", "oh, ｑｕａｒｋ", "Hauptstrasse, STRASSE"):
            if flags:
                await ann.send(room, text)
            else:
                assert (await ann.send(room, text, 422))["code"] == "rejected"
        items = await queue(await rest.moderator())
        assert [one["reasons"] for one in items] == ([["flagged"]] * 3 if flags else [])
        assert rejected() - refused == (0 if flags else 3)
        if not flags:
            assert (await patch(ann, of(room, sent), {"text": "quark"}, 422))["code"] == "rejected"


async def test_a_server_key_is_checked_only_where_it_asks_for_it(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, _, room):
        server, where = await rest.key("act_as"), f"/api/conversations/{room}/messages"
        hook.answer = hook.says({"action": "reject"})
        await server.ask("POST", where, {"text": "x", "clientId": "1"}, 201, Parley_User=ann.id)
        await server.ask("POST", where + "?check=true", {"text": "x", "clientId": "2"}, 422, Parley_User=ann.id)
        assert len(hook.asked) == 1


async def test_what_the_server_itself_says_is_checked_only_where_it_asks_for_it(
    database_url: str, redis_url: str
) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, _, room):
        server, where = await rest.key("messages"), f"/server/conversations/{room}/messages"
        of_ann: dict[str, Json] = {"senderId": ann.id, "text": "x"}
        of_system: dict[str, Json] = {"kind": "system", "text": "x"}
        hook.answer = hook.says({"action": "reject", "reason": "no"})
        for nth, body in enumerate((of_ann, of_system, {**of_ann, "push": False})):
            await server.ask("POST", where, {**body, "clientId": f"free{nth}"}, 201)
            refused = await server.ask("POST", f"{where}?check=true", {**body, "clientId": f"no{nth}"}, 422)
            assert (refused["code"], refused["reason"]) == ("rejected", "no")
        assert len(hook.asked) == 3
        hook.answer = hook.says({"action": "rewrite", "text": "y"})
        sent = await server.ask("POST", f"{where}?check=true", {**of_system, "clientId": "y"}, 201)
        assert sent["message"]["text"] == "y"
        await server.ask("POST", f"{where}?check=perhaps", {**of_system, "clientId": "z"}, 400)
        await server.ask(
            "POST", f"/server/conversations/{ann.id}/messages?check=true", {**of_system, "clientId": "z"}, 404
        )


async def test_what_the_server_said_is_sent_as_it_said_it_once_it_is_approved(
    database_url: str, redis_url: str
) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        server, mod = await rest.key("messages"), await rest.moderator()
        hook.answer = hook.says({"action": "hold"})
        where = f"/server/conversations/{room}/messages"
        bodies: list[dict[str, Json]] = [
            {"senderId": ann.id, "push": False},
            {"kind": "system"},
            {"senderId": ann.id},
        ]
        for nth, body in enumerate(bodies):
            given = {**body, "text": f"t{nth}", "clientId": f"c{nth}"}
            held = (await server.ask("POST", f"{where}?check=true", given, 202))["held"]
            assert (await server.ask("POST", f"{where}?check=true", given, 202))["held"] == held
            [item] = await queue(mod, kind="held")
            await resolve(mod, item, "approve")
            await server.ask("POST", where, given, 200)

        sent = (await bob.get(f"/api/conversations/{room}/messages"))["messages"]
        assert [one["text"] for one in sent] == ["t0", "t1", "t2"]
        assert [one["senderId"] == ann.id for one in sent] == [True, False, True]
        silent = await rest.parts.pool.fetch("SELECT silent FROM messages ORDER BY seq")
        assert [row["silent"] for row in silent] == [True, None, None]


async def test_what_waits_of_who_is_banned_for_it_waits_no_longer(database_url: str, redis_url: str) -> None:
    async with screened(database_url, redis_url) as (rest, hook, ann, bob, room):
        mod, where = await rest.moderator(), f"/api/conversations/{room}/messages"
        hook.answer = hook.says({"action": "hold"})
        await ann.post(where, {"text": "vile", "clientId": "c1"}, 202)
        [item] = await queue(mod, kind="held")

        await resolve(mod, item, "ban")

        assert await rest.parts.pool.fetchval("SELECT state || body FROM held_messages") == "rejected"
        await ann.post(where, {"text": "vile", "clientId": "c1"}, 403)
        assert (await bob.get(where))["messages"] == []
        await mod.delete(f"/moderation/users/{ann.id}/ban")
        assert (await ann.post(where, {"text": "vile", "clientId": "c1"}, 422))["code"] == "rejected"
        notices = (await ann.get("/api/me/notices"))["notices"]
        assert {one["action"] for one in notices} == {"ban", "reject"}
