"""Who may say where to call, and what a deployment that calls nobody pays."""

from shared.ids import new_id
from tests.integration.rest.test_statements import statements
from tests.integration.webhooks.conftest import HOOKS, World
from tests.integration.webhooks.endpoint import answering, backend
from tests.integration.webhooks.waiting import settled
from tests.support.waiting import eventually
from tests.system.operators.command import command


async def test_a_webhook_is_made_changed_listed_and_deleted_and_its_secret_is_never_shown_again(world: World) -> None:
    async with backend() as app:
        made = await world.webhook(app, "message.new", "message.new", description="Ours", batch=7)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["events"], made["batch"], made["state"], made["description"]) == (["message.new"], 7, "active", "Ours")
    assert await world.rest.parts.pool.fetchval("SELECT count(*) FROM webhooks WHERE secret = $1", secret.encode()) == 0

    path = f"{HOOKS}/{made['id']}"
    assert (await world.server.ask("GET", HOOKS))["webhooks"] == [made]
    changed = (await world.server.ask("PATCH", path, {"batch": 1, "events": ["*"]}))["webhook"]
    assert (changed["batch"], changed["events"], changed["url"]) == (1, ["*"], made["url"])
    disabled = (await world.server.ask("PATCH", path, {"active": False}))["webhook"]
    assert (disabled["state"], disabled["disabledReason"]) == ("disabled", "by hand")
    assert (await world.server.ask("POST", f"{path}/test", status=409))["code"] == "disabled"
    await world.server.ask("DELETE", path)
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test"),
                         ("GET", "/deliveries"), ("POST", "/replay")):  # fmt: skip
        body = {"since": "2020-01-01T00:00:00Z"} if rest == "/replay" else {}
        await world.server.ask(method, path + rest, body, 404)


async def test_a_url_that_is_not_to_be_called_and_a_type_that_there_is_not_are_refused(world: World) -> None:
    server = world.server
    for url in (
        "https://169.254.169.254/",
        "http://app.example/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "x",
    ):
        told = await server.ask("POST", HOOKS, {"url": url, "events": ["*"]}, 400)
        assert told["field"] == "url"
    fine = {"url": "https://app.example/", "events": ["*"]}
    wrongs: list[dict[str, object]] = [{"events": []}, {"events": ["typing.start"]}, {"batch": 0}, {"batch": 101}]
    for wrong in wrongs:
        await server.ask("POST", HOOKS, fine | wrong, 400)
    made = (await server.ask("POST", HOOKS, fine, 201))["webhook"]
    await server.ask("PATCH", f"{HOOKS}/{made['id']}", {"url": "https://10.0.0.1/"}, 400)
    await server.ask("GET", f"{HOOKS}/{made['id']}/deliveries?cursor=1.x", status=400)
    for query in ("state=lost", "since=0.5", "since=2026-11-22", "since=2026-11-22T20:15:04", "since=soon"):
        await server.ask("GET", f"{HOOKS}/{made['id']}/deliveries?{query}", status=400)
    assert (await server.ask("GET", f"{HOOKS}/{made['id']}/deliveries?cursor=1.{new_id()}"))["deliveries"] == []


async def test_only_a_key_that_may_change_webhooks_sees_what_an_endpoint_answered(world: World) -> None:
    reader = await world.rest.key("webhooks:read")
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        ann = world.rest.person()
        for number in range(3):
            await ann.send(await ann.start(world.rest.person()), str(number))
        await eventually(lambda: len(app.requests) == 3)
        path = f"{HOOKS}/{webhook['id']}/deliveries"

        async def told() -> bool:
            return len(await world.deliveries(webhook, state="delivered")) == 3

        await eventually(told)
        assert {one["answer"] for one in (await reader.ask("GET", path))["deliveries"]} == {None}
        first = await world.server.ask("GET", f"{path}?limit=2")
        second = await world.server.ask("GET", f"{path}?limit=2&cursor={first['nextCursor']}")
        assert len({one["id"] for one in first["deliveries"] + second["deliveries"]}) == 3
        assert second["nextCursor"] is None
        assert await world.deliveries(webhook, since="2099-01-01T00:00:00Z") == []
        await reader.ask("POST", f"{HOOKS}/{webhook['id']}/test", status=403)


async def test_a_deployment_without_webhooks_and_keys_runs_no_statement_for_them(world: World) -> None:
    rest = world.rest
    ann, bob = rest.person(), rest.person("bob")
    async with statements(rest.parts.pool) as seen:
        room = await ann.start(bob)
        await ann.send(room, "hello")
        await ann.get("/api/conversations")
        assert (await rest.ask_internal("/internal/webhooks/claims", {"leaseSeconds": 60}))["idle"] is True
        await eventually(lambda: settled(rest))
        await rest.refusals.refresh()
        await rest.keyring.flush()
    ours = ("webhooks", "hook_deliveries", "api_keys", "roles", "audit_log", "user_data", "conversation_data")
    assert [one for one in seen if any(f" {table} " in f" {one} " for table in ours)] == []


async def test_an_operator_sees_webhooks_and_delivers_again(world: World, database_url: str) -> None:
    ann, settings = world.rest.person(), {"DATABASE_URL": database_url}
    async with backend(answering(500)) as app:
        webhook = await world.webhook(app, "message.new")
        await ann.send(await ann.start(world.rest.person()), "x")
        async with world.delivering():
            await eventually(lambda: len(app.requests) == 1)

            async def failed() -> bool:
                return bool((await world.deliveries(webhook))[0]["attempts"])

            await eventually(failed)
        listed = (await command("endpoints", "list", **settings)).out
        assert webhook["id"] in listed
        assert "fails since" in listed
        again = await command("endpoints", "replay", webhook["id"], "--all", **settings)
        assert (again.code, again.out.strip()) == (0, f"{webhook['id']}: 1 delivered again")
    assert (await command("endpoints", "replay", new_id(), **settings)).code == 1
    assert (await command("endpoints", "replay", "x", **settings)).code == 2


async def test_deliveries_go_after_seven_days(world: World) -> None:
    from persistence.webhooks import deliveries

    pool, ann = world.rest.parts.pool, world.rest.person()
    async with backend() as app:
        webhook = await world.webhook(app, "message.new")
        await ann.send(await ann.start(world.rest.person()), "x")

        async def noted() -> bool:
            return len(await world.deliveries(webhook)) == 1

        await eventually(noted)
    await deliveries.sample(pool)
    assert await deliveries.sweep(pool) == 0
    await pool.execute("UPDATE hook_deliveries SET created_at = now() - interval '8 days'")
    assert await deliveries.sweep(pool) == 1
