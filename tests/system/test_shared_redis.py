"""Two deployments over one Redis, whose users have the same ids: none of them hears, tells or ends the other's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import jwt

from services.embedded import EmbeddedRedis
from shared.ids import new_id
from shared.redis import open_redis
from tests.support.fake_expo import FakeExpo, fake_expo
from tests.support.fleet import Fleet, fleet
from tests.support.person import Person
from tests.support.waiting import eventually
from tests.system.operators.command import Outcome, command, settings_of
from tests.system.operators.seen import FAST

PREFIX = "staging:"
ADA, BOB = new_id(), new_id()
SIGN_IN = new_id()


@dataclass
class Deployment:
    """A fleet of one process each, its Expo, and the same two people as in the other."""

    fleet: Fleet
    expo: FakeExpo
    ada: Person
    bob: Person
    conversation_id: str

    async def command(self, *arguments: str) -> Outcome:
        url = self.fleet.processes["persistence-1"].internal_url
        return await command(*arguments, **self.settings, PERSISTENCE_URL=url)

    @property
    def settings(self) -> dict[str, str]:
        names = [name for name in ("REDIS_URL", "REDIS_PREFIX", "SERVICE_TOKEN") if name in self.fleet.base]
        return settings_of(self.fleet, *names)

    async def online(self) -> bool:
        """Whether ada is."""
        _, answer = await self.bob.call("GET", f"/api/presence?userIds={ADA}")
        return bool(answer["presence"][0]["isOnline"])


@asynccontextmanager
async def deployed(
    logs: Path, database_url: str, redis_url: str, http: aiohttp.ClientSession, **settings: Any
) -> AsyncIterator[Deployment]:
    logs.mkdir(exist_ok=True)
    async with (
        fake_expo() as expo,
        fleet(
            *(logs, database_url, redis_url),
            pushers=1,
            LEASE_SECONDS=FAST,
            PRESENCE_GRACE_SECONDS="0",
            CHECK_SECONDS="1",
            EXPO_PUSH_URL=expo.url,
            **settings,
        ) as running,
    ):
        rest, socket = running.processes["persistence-1"].url, running.processes["gateway-1"].url
        claims = jwt.decode(running.token(ADA, "ada"), options={"verify_signature": False})
        ada_token = jwt.encode({**claims, "session_id": SIGN_IN}, running.secret)
        ada = Person(http, rest, ada_token, socket=socket, user_id=ADA)
        bob = Person(http, rest, running.token(BOB, "bob"), socket=socket, user_id=BOB)
        await bob.call("GET", "/api/conversations")  # so that Parley knows bob
        yield Deployment(running, expo, ada, bob, await ada.converse(bob))


@asynccontextmanager
async def two_deployments(
    logs: Path, urls: tuple[str, str], redis_urls: tuple[str, str], http: aiohttp.ClientSession, prefix: str
) -> AsyncIterator[tuple[Deployment, Deployment]]:
    """(production, staging)"""
    own = {"REDIS_PREFIX": prefix} if prefix else {}
    async with (
        deployed(logs / "production", urls[0], redis_urls[0], http) as production,
        deployed(logs / "staging", urls[1], redis_urls[1], http, **own) as staging,
    ):
        yield production, staging


def with_login(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))


async def nobody_obeys_the_other(production: Deployment, staging: Deployment) -> None:
    async with production.ada.phone() as phone, staging.ada.phone() as other, staging.bob.phone():
        await eventually(production.online)
        await eventually(staging.online)

        kicked = await staging.command("kick", ADA)
        await eventually(lambda: other.socket.close_code == 1012)
        banned = await staging.command("kick", ADA, "--ban")
        revoked = await staging.command("revoke", SIGN_IN)
        assert [one.code for one in (kicked, revoked)] == [0, 0], banned.out + revoked.out
        assert (await staging.ada.call("GET", "/api/conversations"))[0] in (401, 403)
        await eventually(lambda: is_offline(staging))
        drained = await staging.command("drain", "--all", "--timeout", "5")
        assert drained.out.count("drains") == 1, drained.out
        assert not staging.fleet.processes["gateway-1"].runs

        # What production heard before this message, on channels of the same Redis, has had its effect by now.
        await production.bob.send(production.conversation_id, "still here?")
        await phone.frame("message.new", text="still here?")
        assert phone.socket.close_code is None
        assert await production.online()


async def is_offline(deployment: Deployment) -> bool:
    return not await deployment.online()


async def each_pushes_its_own(production: Deployment, staging: Deployment) -> None:
    for number, one in enumerate((production, staging)):
        token = f"ExponentPushToken[{number}]"
        status, _ = await one.bob.call(
            "POST", "/notifications/register-token", {"token": token, "deviceId": "phone", "platform": "ios"}
        )
        assert status == 200
    for text in ("first", "second", "third"):
        for one in (production, staging):
            await one.ada.send(one.conversation_id, f"{text} of {one.conversation_id}")
    for number, one in enumerate((production, staging)):
        told = await one.expo.wait_for(1, seconds=45)
        assert {each.token for each in told} == {f"ExponentPushToken[{number}]"}


async def test_a_prefix_is_all_that_a_deployment_touches_in_redis(
    own_redis: EmbeddedRedis,
    database_url: str,
    other_database_url: str,
    logs: Path,
    http: aiohttp.ClientSession,
) -> None:
    """Its login may touch nothing else, and is never refused."""
    async with open_redis(own_redis.url) as client:
        redis: Any = client
        await redis.execute_command(
            *("ACL", "SETUSER", "staging", "on", ">secret", "resetkeys", "resetchannels", f"~{PREFIX}*", f"&{PREFIX}*"),
            *("+@all", "-@admin"),
        )
        redis_urls = (own_redis.url, with_login(own_redis.url, "staging", "secret"))
        urls = (database_url, other_database_url)
        async with two_deployments(logs, urls, redis_urls, http, PREFIX) as (production, staging):
            await each_pushes_its_own(production, staging)
            await nobody_obeys_the_other(production, staging)
            names = [name.decode() async for name in redis.scan_iter()]
            assert any(name.startswith(f"{PREFIX}parley:") for name in names)
            assert all(name.startswith(("parley:", f"{PREFIX}parley:")) for name in names)
            assert await redis.execute_command("ACL", "LOG") == []


async def test_without_a_prefix_a_deployment_obeys_only_its_own_epoch(
    own_redis: EmbeddedRedis, database_url: str, other_database_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    """Told apart by a database number, as Redis' channels are not: users, sign-ins and channels have the same names."""
    urls, redis_urls = (database_url, other_database_url), (own_redis.url, own_redis.url)
    async with two_deployments(logs, urls, redis_urls, http, "") as (production, staging):
        await each_has_its_own_presence(production, staging)
        unsaid = await command("drain", "--all", **staging.settings)
        assert unsaid.code == 2, unsaid.out
        assert "2 DEPLOYMENTS SHARE THIS REDIS" in unsaid.error, unsaid.error
        seen = await staging.command("stats")
        assert (seen.code, "2 DEPLOYMENTS SHARE THIS REDIS" in seen.out) == (1, True), seen.out
        await each_reads_its_own(production, staging)
        await each_pushes_its_own(production, staging)
        await nobody_obeys_the_other(production, staging)


async def each_has_its_own_presence(production: Deployment, staging: Deployment) -> None:
    async with production.bob.phone() as bob:
        async with staging.ada.phone():
            await eventually(staging.online)
            assert not await production.online()
        await eventually(lambda: is_offline(staging))
        async with production.ada.phone():
            await eventually(production.online)
            assert not await staging.online()
            await bob.frame("presence.update", isOnline=True)
        told = await bob.frame("presence.update", isOnline=False)
        assert [one["isOnline"] for one in bob.seen if one["type"] == "presence.update"] == [True, False], told


async def each_reads_its_own(production: Deployment, staging: Deployment) -> None:
    """Whoever's persistence took it from the stream."""
    for one in (production, staging) * 3:
        async with one.bob.phone() as bob, one.ada.phone() as ada:
            await one.ada.send(one.conversation_id, "read me")
            message = await bob.frame("message.new")
            await bob.say("read", conversationId=one.conversation_id, seq=message["seq"])
            await ada.frame("message.read", seq=message["seq"])
