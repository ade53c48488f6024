"""Tokens by a key set, fetched from a real server that has its moods."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth import Identity, JwksCache, Reason, Rejected, TokenVerifier
from shared.auth import jwks as limits
from shared.lifecycle import Stop, Tasks
from tests.support.jwks_server import JwksServer, jwks_server
from tests.support.tokens import SECRET, by_ec, by_hand, by_rsa, by_secret, claims, ec_jwk, ec_key, rsa_jwk, rsa_key


class World:
    """An issuer, and a verifier that trusts it, on a clock that a test moves."""

    def __init__(self, issuer: JwksServer, session: aiohttp.ClientSession, tasks: Tasks) -> None:
        self.now = 1000.0
        self.issuer = issuer
        self.cache = JwksCache(issuer.url, session, tasks, clock=lambda: self.now)
        self.verifier = TokenVerifier(jwks=self.cache)

    async def verdict(self, token: str) -> Identity | Reason:
        verdict = await self.verifier.verify(token)
        return verdict.reason if isinstance(verdict, Rejected) else verdict

    async def passes(self, token: str) -> bool:
        return isinstance(await self.verdict(token), Identity)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(jwks_server())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tasks = await stack.enter_async_context(Tasks("test", Stop()))
        issuer.publish(rsa_jwk("r1"), ec_jwk("e1"))
        yield World(issuer, session, tasks)


async def until_fetched(world: World, requests: int) -> None:
    """Waits for a refresh behind the back of whoever asked, to its end."""
    async with asyncio.timeout(5):
        while world.issuer.requests < requests or world.cache._fetching is not None:
            await asyncio.sleep(0.005)


async def test_rs256_and_es256_tokens_of_the_issuer_pass_with_one_fetch(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    assert await world.passes(by_ec("e1"))
    assert world.issuer.requests == 1


async def test_a_hundred_at_once_share_one_fetch(world: World) -> None:
    world.issuer.open.clear()
    waiting = [asyncio.create_task(world.passes(by_ec("e1", jti=str(number)))) for number in range(100)]
    await until_requested(world, 1)
    world.issuer.open.set()
    assert all(await asyncio.gather(*waiting))
    assert world.issuer.requests == 1


async def until_requested(world: World, requests: int) -> None:
    async with asyncio.timeout(5):
        while world.issuer.requests < requests:
            await asyncio.sleep(0.005)


async def test_one_who_goes_away_does_not_end_the_fetch_of_the_others(world: World) -> None:
    world.issuer.open.clear()
    leaver = asyncio.create_task(world.passes(by_ec("e1")))
    stayer = asyncio.create_task(world.passes(by_ec("e1", jti="2")))
    await until_requested(world, 1)
    leaver.cancel()
    world.issuer.open.set()
    assert await stayer
    assert world.issuer.requests == 1


async def test_a_rotated_key_is_found_at_once_and_the_old_one_stays_good(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    world.issuer.publish(rsa_jwk("r1"), rsa_jwk("r2"))
    assert await world.passes(by_rsa("r2"))
    assert await world.passes(by_rsa("r1", jti="2"))
    assert world.issuer.requests == 2


async def test_a_withdrawn_key_opens_nothing_once_the_set_was_refreshed(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    world.issuer.publish(ec_jwk("e1"))
    world.now += limits.FRESH_SECONDS
    assert await world.passes(by_ec("e1"))
    await until_fetched(world, 2)
    assert await world.verdict(by_rsa("r1", jti="2")) == Reason.KEY_UNKNOWN


async def test_a_flood_of_unknown_keys_asks_the_issuer_once_in_thirty_seconds(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    for number in range(50):
        assert await world.verdict(by_hand({"alg": "ES256", "kid": f"k{number}"}, claims())) == Reason.KEY_UNKNOWN
    assert world.issuer.requests == 2
    world.now += limits.UNKNOWN_KEY_SECONDS
    await asyncio.gather(*[world.verdict(by_hand({"alg": "RS256", "kid": f"x{n}"}, claims())) for n in range(50)])
    assert world.issuer.requests == 3


async def test_an_old_set_is_refreshed_behind_the_back_of_who_asks(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    world.now += limits.FRESH_SECONDS
    world.issuer.open.clear()
    assert await world.passes(by_rsa("r1", jti="2"))  # does not wait for the issuer, which hangs
    world.issuer.open.set()
    await until_fetched(world, 2)


@pytest.mark.parametrize("trouble", ["status", "html", "empty", "broken", "large", "slow", "reset"])
async def test_users_stay_signed_in_through_an_outage_of_the_issuer_for_an_hour(
    world: World, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await world.passes(by_rsa("r1"))
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.05)
    make(world.issuer, trouble)
    for minutes in (10, 30, 59):
        world.now = 1000 + minutes * 60
        requests = world.issuer.requests
        assert await world.passes(by_rsa("r1", jti=str(minutes)))
        await until_fetched(world, requests + 1)
    world.now = 1000 + 3600
    assert await world.verdict(by_rsa("r1", jti="last")) == Reason.KEYS_UNAVAILABLE
    monkeypatch.undo()
    mend(world.issuer)
    world.now += limits.RETRY_SECONDS
    assert await world.passes(by_rsa("r1", jti="again"))


@pytest.mark.parametrize("trouble", ["status", "html", "empty", "broken", "large", "slow", "reset"])
async def test_without_any_keys_nobody_is_let_in_nor_called_a_forger_and_the_issuer_is_not_flooded(
    world: World, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.05)
    make(world.issuer, trouble)
    for _ in range(20):
        assert await world.verdict(by_rsa("r1")) == Reason.KEYS_UNAVAILABLE
    assert world.issuer.requests <= 2  # aiohttp itself repeats a GET whose connection was reset
    monkeypatch.undo()
    mend(world.issuer)
    world.now += limits.RETRY_SECONDS
    assert await world.passes(by_rsa("r1"))


def make(issuer: JwksServer, trouble: str) -> None:
    issuer.status = 503 if trouble == "status" else 200
    bodies = {"html": b"<html>maintenance</html>", "empty": b'{"keys":[]}', "large": b" " * (limits.LARGEST_BODY + 1)}
    if trouble in bodies:
        issuer.body = bodies[trouble]
    if trouble == "broken":
        issuer.publish({"kty": "RSA", "kid": "r1", "n": "!", "e": "AQAB"})
    if trouble == "slow":
        issuer.open.clear()
    issuer.resets = trouble == "reset"


def mend(issuer: JwksServer) -> None:
    issuer.resets = False
    issuer.publish(rsa_jwk("r1"))
    issuer.open.set()


async def test_a_key_that_an_issuer_in_trouble_cannot_confirm_is_not_called_unknown(world: World) -> None:
    assert await world.passes(by_rsa("r1"))
    world.issuer.status = 500
    assert await world.verdict(by_rsa("r2")) == Reason.KEYS_UNAVAILABLE
    assert await world.passes(by_rsa("r1", jti="2"))


async def test_a_public_key_never_serves_as_a_secret(world: World) -> None:
    public = rsa_key("r1").public_key()
    for encoding in (Encoding.PEM, Encoding.DER):
        secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        for algorithm in ("HS256", "RS256", "ES256"):
            assert not await world.passes(by_hand({"alg": algorithm, "kid": "r1"}, claims(), secret))
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(public)
    assert await world.verdict(by_hand({"alg": "HS256", "kid": "r1"}, claims(), jwk.encode())) == Reason.KEY_UNKNOWN


async def test_a_key_is_used_with_its_own_algorithm_only(world: World) -> None:
    by_the_wrong_kind = jwt.encode(claims(), rsa_key("r1"), algorithm="RS256", headers={"kid": "e1"})
    assert await world.verdict(by_the_wrong_kind) == Reason.SIGNATURE
    for algorithm in ("RS512", "PS256"):
        other = jwt.encode(claims(), rsa_key("r1"), algorithm=algorithm, headers={"kid": "r1"})
        assert await world.verdict(other) == Reason.SIGNATURE
    wrong_curve = jwt.encode(claims(), ec_key("p384", SECP384R1), algorithm="ES384", headers={"kid": "e1"})
    assert await world.verdict(wrong_curve) == Reason.SIGNATURE


async def test_another_projects_key_under_the_same_id_does_not_pass(world: World) -> None:
    forged = jwt.encode(claims(), rsa_key("stranger"), algorithm="RS256", headers={"kid": "r1"})
    assert await world.verdict(forged) == Reason.SIGNATURE


async def test_a_key_that_the_header_brings_along_is_not_used(world: World) -> None:
    headers = {"kid": "r1", "jwk": rsa_jwk("stranger"), "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/"}
    forged = jwt.encode(claims(), rsa_key("stranger"), algorithm="RS256", headers=headers)
    assert await world.verdict(forged) == Reason.SIGNATURE


@pytest.mark.parametrize("key_id", ["../../r1", "r1' OR '1'='1", "R1", "r1 ", "%72%31"])
async def test_a_key_id_is_only_compared(world: World, key_id: str) -> None:
    token = jwt.encode(claims(), rsa_key("r1"), algorithm="RS256", headers={"kid": key_id})
    assert await world.verdict(token) == Reason.KEY_UNKNOWN


async def test_a_token_without_a_key_id_is_refused_without_a_fetch(world: World) -> None:
    assert await world.verdict(jwt.encode(claims(), rsa_key("r1"), algorithm="RS256")) == Reason.KEY_UNKNOWN
    assert world.issuer.requests == 0


async def test_claims_are_held_to_the_same_by_a_key_set(world: World) -> None:
    assert await world.verdict(by_rsa("r1", exp=1)) == Reason.EXPIRED
    for changes in ({"role": "service_role"}, {"aud": "other"}, {"sub": None}, {"exp": None}):
        assert await world.verdict(by_ec("e1", **changes)) == Reason.CLAIMS


async def test_secret_and_key_set_side_by_side_each_take_their_own(world: World) -> None:
    world.verifier = TokenVerifier(secrets=[SECRET], jwks=world.cache)
    assert await world.passes(by_secret())
    assert world.issuer.requests == 0
    assert await world.passes(by_rsa("r1"))
    pem = rsa_key("r1").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert await world.verdict(by_hand({"alg": "HS256", "kid": "r1"}, claims(), pem)) == Reason.SIGNATURE
    assert await world.verdict(by_hand({"alg": "RS256", "kid": "r1"}, claims())) == Reason.SIGNATURE
