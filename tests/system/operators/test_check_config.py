"""`python -m services check-config`: what is wrong is told before a process is started with it."""

import secrets
from typing import Any

import asyncpg
import pytest

from services.embedded import EmbeddedRedis
from shared.redis import open_redis
from tests.support.fleet import fleet
from tests.support.jwks_server import jwks_server
from tests.support.tokens import rsa_jwk
from tests.system.operators.command import Outcome, command, settings_of
from tests.system.operators.seen import FAST

SECRET = secrets.token_hex(32)


def levels(outcome: Outcome) -> dict[str, set[str]]:
    """The levels of the findings, by their subject."""
    found: dict[str, set[str]] = {}
    for one in outcome.json:
        found.setdefault(one["subject"], set()).add(one["level"])
    return found


async def test_a_fleet_that_works_has_no_error(database_url: str, redis_url: str, logs: Any) -> None:
    async with fleet(logs, database_url, redis_url, LEASE_SECONDS=FAST) as running:
        sound = {
            **settings_of(running, "DATABASE_URL", "REDIS_URL", "JWT_SECRET", "SERVICE_TOKEN"),
            "PERSISTENCE_URL": running.processes["persistence-1"].internal_url,
            "MAX_CONNECTIONS": "100",
        }
        outcome = await command("check-config", "--json", **sound)
        text = await command("check-config", **sound)

    # The tests' own Postgres runs without fsync, which is rightly an error.
    assert [one for one in outcome.json if one["level"] == "error" and "fsync" not in one["text"]] == []
    for subject in ("DATABASE_URL", "migrations", "DATABASE_POOL", "REDIS_URL", "PERSISTENCE_URL", "Postgres's clock"):
        assert "ok" in levels(outcome)[subject], subject
    for secret in (running.secret, running.base["SERVICE_TOKEN"]):
        assert secret not in text.out + text.error + outcome.out


async def test_each_thing_that_the_settings_name_is_looked_at(
    empty_database_url: str, database_url: str, redis_url: str, logs: Any
) -> None:
    wrong = {"JWT_SECRET": SECRET, "SERVICE_TOKEN": "not-the-right-token-of-it", "REDIS_URL": redis_url}
    redis = open_redis(redis_url)
    await redis.config_set("maxmemory", "100mb")
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        async with fleet(logs, database_url, redis_url, gateways=0) as running:
            outcome = await command(
                *("check-config", "--json"),
                **wrong,
                DATABASE_URL=empty_database_url,
                DATABASE_POOL="5000",
                PERSISTENCE_URL=running.processes["persistence-1"].internal_url,
                JWT_JWKS_URL="http://127.0.0.1:1/keys",
            )
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "0")
        await redis.aclose()

    assert outcome.code == 1
    for subject in ("migrations", "DATABASE_POOL", "SERVICE_TOKEN", "maxmemory-policy", "JWT_JWKS_URL"):
        assert levels(outcome)[subject] == {"error"}, subject


async def test_what_is_away_is_told_without_its_password() -> None:
    outcome = await command(
        *("check-config", "--json"),
        DATABASE_URL="postgres://parley:hunter2@127.0.0.1:1/parley",
        REDIS_URL="redis://:hunter2@127.0.0.1:1",
        PERSISTENCE_URL="http://127.0.0.1:1",
        SERVICE_TOKEN="x" * 20,
        JWT_SECRET=SECRET,
    )
    assert outcome.code == 1
    assert {"DATABASE_URL", "REDIS_URL", "PERSISTENCE_URL"} <= {
        one["subject"] for one in outcome.json if one["level"] == "error"
    }
    assert "hunter2" not in outcome.out + outcome.error


async def test_a_migration_that_was_changed_after_it_was_applied_is_an_error(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE parley_migrations SET sha256 = 'other' WHERE name = '0001_ground.sql'")
    await connection.close()
    outcome = await command("check-config", "persistence", "--json", DATABASE_URL=database_url, JWT_SECRET=SECRET)
    [finding] = [one for one in outcome.json if one["subject"] == "migrations"]
    assert (finding["level"], "0001_ground.sql" in finding["text"]) == ("error", True)


async def test_the_url_of_the_wrong_kind_of_redis_is_an_error(redis_url: str) -> None:
    outcome = await command(
        "check-config", "pusher", "--json", REDIS_URL=redis_url.replace("redis://", "redis+cluster://")
    )
    assert "error" in levels(outcome)["REDIS_URL"]


async def test_a_key_set_is_ok_with_a_key_and_an_error_without_one_or_without_an_answer() -> None:
    async with jwks_server() as issuer:
        settings = {"JWT_JWKS_URL": issuer.url, "JWT_ISSUER": "x", "SERVICE_TOKEN": "x" * 20}
        empty = await command("check-config", "gateway", "--json", **settings)
        issuer.publish(rsa_jwk("key"))
        good = await command("check-config", "gateway", "--json", **settings)
        issuer.status, issuer.body = 200, b"<html>"
        broken = await command("check-config", "gateway", "--json", **settings)
        issuer.status = 500
        failing = await command("check-config", "gateway", "--json", **settings)
    assert [levels(one)["JWT_JWKS_URL"] for one in (empty, good, broken, failing)] == [
        {"error"},
        {"ok"},
        {"error"},
        {"error"},
    ]


@pytest.mark.parametrize("service", ["gateway", "persistence", "pusher"])
async def test_offline_every_fault_is_a_line_and_nobody_is_asked(service: str) -> None:
    outcome = await command("check-config", service, "--offline", ACK_TIMEOUT="soon", PORT="x", LEASE_SECOND="3")
    lines = outcome.out.splitlines()
    assert outcome.code == 1
    assert outcome.error == ""
    for start in ("error    ACK_TIMEOUT ", "error    PORT ", "error    REDIS_URL ", "warning  LEASE_SECOND "):
        assert len([line for line in lines if line.startswith(start)]) == 1, start


async def test_a_service_that_there_is_not_is_a_mistake() -> None:
    outcome = await command("check-config", "postbox", "--offline")
    assert (outcome.code, "postbox" in outcome.error) == (2, True)


async def test_an_acl_that_refuses_scripts_and_a_role_with_timeouts_are_named(
    own_redis: EmbeddedRedis, database_url: str
) -> None:
    async with open_redis(own_redis.url) as client:
        redis: Any = client
        await redis.execute_command(*("ACL", "SETUSER", "parley", "on", ">secret", "~*", "&*", "+@all", "-@scripting"))
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET lock_timeout = 2000')
    await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await connection.close()

    login = own_redis.url.replace(f":{own_redis.password}@", "parley:secret@")
    outcome = await command("check-config", "--json", DATABASE_URL=database_url, REDIS_URL=login, JWT_SECRET=SECRET)

    told = [(one["level"], one["subject"], one["text"]) for one in outcome.json]
    assert outcome.code == 1
    assert any(one[:2] == ("error", "REDIS_URL") and "does not do what Parley needs" in one[2] for one in told), told
    assert any(one[:2] == ("warning", "DATABASE_URL") and "lock_timeout of this role is 2s" in one[2] for one in told)
    assert any(one[:2] == ("error", "DATABASE_URL") and "default_transaction_read_only" in one[2] for one in told)
