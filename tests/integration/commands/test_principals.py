"""`services keys` and `services roles`, as an operator runs them against a database."""

import asyncpg
import orjson

from persistence.keys.scopes import SCOPES
from shared.auth import server_key
from shared.ids import new_id
from tests.integration.rest.conftest import serving
from tests.system.operators.command import command


async def test_a_key_is_printed_alone_listed_without_its_secret_and_revoked_once(database_url: str) -> None:
    settings = {"DATABASE_URL": database_url}
    made = await command("keys", "create", "my backend", "--scopes", ",".join(SCOPES), "--days", "30", **settings)
    assert (made.code, made.error) == (0, "")
    [key] = made.out.splitlines()
    presented = server_key.read(key)
    assert presented is not None

    listed = (await command("keys", "list", **settings)).out
    assert presented.key_id in listed
    assert "my backend" in listed
    assert presented.secret not in listed
    assert (await command("keys", "revoke", key, **settings)).code == 0
    assert (await command("keys", "revoke", presented.key_id, **settings)).code == 1
    connection = await asyncpg.connect(database_url)
    entries = await connection.fetch("SELECT actor_kind, action, subject FROM audit_log ORDER BY id")
    await connection.close()
    assert [tuple(entry) for entry in entries] == [
        ("cli", "key.create", presented.key_id),
        ("cli", "key.revoke", presented.key_id),
    ]


async def test_a_mistake_in_a_key_is_one_line(database_url: str) -> None:
    for arguments in (["create", "x", "--scopes", "all"], ["create", "x", "--scopes", ","], ["revoke", "x"],
                      ["create", "x", "--scopes", "users", "--days", "0"]):  # fmt: skip
        told = await command("keys", *arguments, DATABASE_URL=database_url)
        assert told.code == 2
        assert len(told.error.splitlines()) == 1


async def test_a_role_is_granted_and_revoked_once(database_url: str) -> None:
    user_id, settings = new_id(), {"DATABASE_URL": database_url}

    async def roles(*arguments: str) -> int:
        return (await command("roles", *arguments, **settings)).code

    assert await roles("grant", user_id, "moderator") == 0
    assert await roles("grant", user_id, "moderator") == 1
    assert user_id in (await command("roles", "list", **settings)).out
    assert await roles("revoke", user_id, "moderator") == 0
    assert await roles("revoke", user_id, "moderator") == 1
    assert await roles("grant", "ann", "moderator") == 2


async def test_what_waits_for_a_moderator_is_shown_in_the_order_of_the_queue(database_url: str, redis_url: str) -> None:
    settings = {"DATABASE_URL": database_url}
    assert (await command("reports", **settings)).out.strip() == "nothing waits"
    async with serving(database_url, redis_url) as rest:
        ann, bob = rest.person("ann"), rest.person("bob")
        await ann.start(bob)
        await ann.post("/api/reports", {"userId": bob.id, "reason": "spam", "text": "SECRET"}, 201)
        await bob.post("/api/reports", {"userId": ann.id, "reason": "child_safety"}, 201)

    shown = await command("reports", **settings)
    assert (shown.code, [line.split("  ")[-1] for line in shown.out.splitlines()]) == (0, [ann.id, bob.id])
    assert "SECRET" not in shown.out
    told = [orjson.loads(line) for line in (await command("reports", "--json", **settings)).out.splitlines()]
    assert [one["author"]["id"] for one in told] == [ann.id, bob.id]
    assert (await command("reports", "--kind", "held", "--json", **settings)).out.strip() == ""
