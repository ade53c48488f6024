"""Tokens signed with a shared secret: what is let in, and every attack that is not."""

import re
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from prometheus_client import REGISTRY

from shared.auth import Identity, Profile, Reason, Rejected, TokenVerifier, mint
from shared.settings import SettingError
from tests.support.tokens import SECRET, USER, by_hand, by_secret, claims, rsa_key

HS256 = {"alg": "HS256", "typ": "JWT"}
NOW = int(time.time())


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(secrets=[SECRET])


async def reason(verifier: TokenVerifier, token: str | None) -> Reason:
    verdict = await verifier.verify(token)
    assert isinstance(verdict, Rejected), verdict
    if token is not None:
        assert verifier.verify_cached(token) is None
    return verdict.reason


async def test_a_users_token_gives_their_identity(verifier: TokenVerifier) -> None:
    full = claims()
    identity = await verifier.verify(jwt.encode(full, SECRET))
    assert identity == Identity(
        user_id=USER,
        profile=Profile("ann"),
        session_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        expires_at=float(full["exp"]),
        role="authenticated",
    )


async def test_a_minted_token_passes(verifier: TokenVerifier) -> None:
    identity = await verifier.verify(mint(SECRET, USER, "ann"))
    assert isinstance(identity, Identity)
    assert (identity.user_id, identity.profile.handle) == (USER, "ann")
    assert identity.session_id
    nameless = await verifier.verify(mint(SECRET, USER))
    assert isinstance(nameless, Identity)
    assert nameless.profile.handle == "user_7c9e6679"


async def test_the_subject_is_canonical(verifier: TokenVerifier) -> None:
    identity = await verifier.verify(by_secret(sub=USER.upper()))
    assert isinstance(identity, Identity)
    assert identity.user_id == USER


async def test_both_secrets_are_good_while_one_rotates() -> None:
    verifier = TokenVerifier(secrets=["n" * 32, SECRET])
    for secret in ("n" * 32, SECRET):
        assert isinstance(await verifier.verify(by_secret(secret)), Identity)
    assert await reason(verifier, by_secret("o" * 32)) == Reason.SIGNATURE


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", "authenticated"]},
        {"iat": NOW + 50},
        {"nbf": NOW + 50},
        {"exp": NOW + 3600.5},
        {"iat": None},
        {"iss": None},
        {"session_id": None},
        {"is_anonymous": True},
    ],
)
async def test_what_honest_issuers_vary_is_accepted(verifier: TokenVerifier, changes: dict[str, Any]) -> None:
    assert isinstance(await verifier.verify(by_secret(**changes)), Identity)


@pytest.mark.parametrize("session_id", [7, "", "x" * 129, ["a"]])
async def test_a_session_id_of_another_shape_counts_as_none(verifier: TokenVerifier, session_id: object) -> None:
    identity = await verifier.verify(by_secret(session_id=session_id))
    assert isinstance(identity, Identity)
    assert identity.session_id is None


@pytest.mark.parametrize("session_id", ["a\x00b", "\x00", "a\nb", "\ud800", "a\x1b[2Jb", "a\u202eb", "\x85"])
async def test_a_session_id_that_nobody_could_write_down_is_refused(verifier: TokenVerifier, session_id: str) -> None:
    assert await reason(verifier, by_secret(session_id=session_id)) == Reason.CLAIMS


@pytest.mark.parametrize("token", [None, ""])
async def test_no_token_is_missing(verifier: TokenVerifier, token: str | None) -> None:
    assert await reason(verifier, token) == Reason.MISSING


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b",
        "..",
        "a.b.c.d",
        "a.b.c",
        "é.b.c",
        "\ud800.b.c",
        f" {by_secret()}",
        f"{by_secret()}\n",
        f"Bearer {by_secret()}",
        by_secret().rsplit(".", 1)[0] + ".",
        by_hand(b"not json", claims()),
        by_hand(b"[1]", claims()),
        by_hand(b'"HS256"', claims()),
        by_hand(b"[" * 3000, claims()),
        by_hand(b'{"alg":' + b"[" * 3000, claims()),
        by_hand({"typ": "JWT"}, claims()),
        by_hand({"alg": None}, claims()),
        by_hand({"alg": ["HS256"]}, claims()),
        by_hand({"alg": 256}, claims()),
        by_hand({**HS256, "kid": 7}, claims()),
        by_hand({**HS256, "kid": {"$ne": 1}}, claims()),
        by_hand({**HS256, "kid": ""}, claims()),
        by_hand({**HS256, "kid": "a\x00b"}, claims()),
        by_hand({**HS256, "kid": "k" * 4096}, claims()),
        by_hand(HS256, b"[]"),
        by_hand(HS256, b"not json"),
        by_hand(HS256, b"[" * 3000),
        by_hand(HS256, b"\xff\xfe"),
        by_hand(HS256, b'{"exp":' + b"9" * 5000 + b"}"),
        by_secret(padding="x" * 32 * 1024),
    ],
    ids=lambda token: repr(token[:30]),
)
async def test_what_is_no_token_is_malformed(verifier: TokenVerifier, token: str) -> None:
    assert await reason(verifier, token) == Reason.MALFORMED


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "HS384", "HS512", "hs256", "PS256", "EdDSA"])
async def test_no_other_algorithm_is_let_in_whatever_the_header_says(verifier: TokenVerifier, algorithm: str) -> None:
    assert await reason(verifier, by_hand({"alg": algorithm}, claims())) == Reason.SIGNATURE


async def test_a_token_without_a_signature_is_refused(verifier: TokenVerifier) -> None:
    unsigned = f"{by_hand({'alg': 'none'}, claims()).rsplit('.', 1)[0]}."
    assert await reason(verifier, unsigned) == Reason.MALFORMED


async def test_a_signature_that_is_cut_or_from_another_secret_or_over_other_claims_is_refused(
    verifier: TokenVerifier,
) -> None:
    token = by_secret()
    head, body, signature = token.split(".")
    other = by_secret(sub="00000000-0000-4000-8000-000000000000").split(".")[1]
    assert await reason(verifier, f"{head}.{body}.{signature[:-3]}") == Reason.SIGNATURE
    assert await reason(verifier, f"{head}.{other}.{signature}") == Reason.SIGNATURE
    assert await reason(verifier, by_secret("another-project's-secret-of-32-bytes")) == Reason.SIGNATURE


async def test_keys_that_a_header_brings_along_are_ignored(verifier: TokenVerifier) -> None:
    stranger = "a-strangers-secret-of-more-than-32-bytes"
    for extra in ({"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"jwk": {"kty": "oct", "k": "eA"}}):
        assert await reason(verifier, by_secret(stranger, headers=extra)) == Reason.SIGNATURE
    assert isinstance(await verifier.verify(by_secret(headers={"kid": "../../dev/null"})), Identity)


async def test_an_unknown_critical_header_is_refused(verifier: TokenVerifier) -> None:
    assert await reason(verifier, by_hand({**HS256, "crit": ["exp"], "exp": 1}, claims())) == Reason.MALFORMED
    assert await reason(verifier, by_hand({**HS256, "b64": False, "crit": ["b64"]}, claims())) == Reason.MALFORMED


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_token_for_a_key_set_is_refused_where_there_is_none(verifier: TokenVerifier, algorithm: str) -> None:
    token = by_hand({"alg": algorithm, "kid": "a"}, claims())
    assert await reason(verifier, token) == Reason.KEY_UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": 7},
        {"aud": {"authenticated": 1}},
        {"aud": "AUTHENTICATED"},
        {"role": None},
        {"role": "anon"},
        {"role": "service_role"},
        {"role": ["authenticated"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "not-a-uuid"},
        {"sub": USER.replace("-", "")},
        {"sub": "{" + USER + "}"},
        {"sub": USER + "\n"},
        {"sub": USER + "' OR 1=1 --"},
        {"exp": None},
        {"exp": str(NOW + 3600)},
        {"exp": True},
        {"exp": 1e300},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"iat": NOW + 3000},
        {"iat": "later"},
        {"nbf": NOW + 3000},
        {"nbf": []},
        {"iat": float("inf")},
        {"nbf": float("inf")},
    ],
    ids=lambda changes: " ".join(changes),
)
async def test_claims_that_are_not_a_users_are_refused(verifier: TokenVerifier, changes: dict[str, Any]) -> None:
    assert await reason(verifier, by_secret(**changes)) in (Reason.CLAIMS, Reason.EXPIRED, Reason.MALFORMED)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_token_of_a_clock_too_far_ahead_is_told_which_claim_and_by_how_much(
    verifier: TokenVerifier, claim: str
) -> None:
    ahead = int(time.time()) + 90
    changes: dict[str, Any] = {claim: ahead, "exp": ahead + 3600}
    refused = await verifier.verify(by_secret(**changes))
    assert isinstance(refused, Rejected)
    assert re.match(rf"{claim} is (89|90) s ahead of this server's clock, CLOCK_LEEWAY_SECONDS allows 60", refused.text)
    patient = TokenVerifier(secrets=[SECRET], leeway_seconds=120)
    assert isinstance(await patient.verify(by_secret(**changes)), Identity)


async def test_supabases_own_keys_are_no_users(verifier: TokenVerifier) -> None:
    for role in ("anon", "service_role"):
        key = jwt.encode({"iss": "supabase", "ref": "abc", "role": role, "iat": NOW, "exp": NOW + 10**8}, SECRET)
        assert await reason(verifier, key) == Reason.CLAIMS
        with_the_rest = by_secret(role=role)
        assert await reason(verifier, with_the_rest) == Reason.CLAIMS


@pytest.mark.parametrize(
    "exp",
    [
        pytest.param(NOW - 1, id="a second ago"),
        pytest.param(NOW - 5, id="five seconds ago"),
        pytest.param(NOW - 3600, id="an hour ago"),
        0,
        -1,
        1.5,
    ],
)
async def test_an_expired_token_is_expired_to_the_second(verifier: TokenVerifier, exp: float) -> None:
    assert await reason(verifier, by_secret(exp=exp)) == Reason.EXPIRED


async def test_a_repeated_claim_counts_as_its_last(verifier: TokenVerifier) -> None:
    body = b'{"role":"authenticated","aud":"authenticated","sub":"%s","exp":%d,"role":"anon"}' % (
        USER.encode(),
        NOW + 3600,
    )
    assert await reason(verifier, by_hand(HS256, body)) == Reason.CLAIMS


async def test_the_issuer_must_match_exactly_where_one_is_set() -> None:
    verifier = TokenVerifier(secrets=[SECRET], issuer="https://project.example/auth/v1")
    assert isinstance(await verifier.verify(by_secret()), Identity)
    for issuer in (None, "https://project.example", "https://project.example/auth/v1/", "https://evil.example"):
        assert await reason(verifier, by_secret(iss=issuer)) == Reason.CLAIMS


async def test_a_verified_token_is_known_without_waiting_until_it_expires() -> None:
    now = int(time.time())
    clock = float(now)
    verifier = TokenVerifier(secrets=[SECRET], clock=lambda: clock)
    token = by_secret(exp=now + 60)
    assert verifier.verify_cached(token) is None
    identity = await verifier.verify(token)
    assert verifier.verify_cached(token) is identity
    clock = now + 59.9
    assert verifier.verify_cached(token) is identity
    clock = now + 60
    assert verifier.verify_cached(token) is None
    assert await reason(verifier, token) == Reason.EXPIRED


async def test_a_long_lived_token_is_verified_anew_every_five_minutes() -> None:
    now = int(time.time())
    clock = float(now)
    verifier = TokenVerifier(secrets=[SECRET], clock=lambda: clock)
    token = by_secret(exp=now + 10**6)
    assert isinstance(await verifier.verify(token), Identity)
    clock = now + 301
    assert verifier.verify_cached(token) is None


@pytest.mark.parametrize("odd", ["", "x", "\ud800", "é" * 10_000, "a." * 10_000])
def test_the_cached_look_up_takes_any_text(verifier: TokenVerifier, odd: str) -> None:
    assert verifier.verify_cached(odd) is None


async def test_a_verifier_never_shows_a_token_or_a_secret(verifier: TokenVerifier) -> None:
    token = by_secret()
    identity = await verifier.verify(token)
    for part in (*token.split("."), SECRET):
        assert part not in repr(vars(verifier)["_verified"].__dict__)
        assert part not in repr(identity)
    assert SECRET not in repr(verifier)


async def test_each_refusal_is_counted_by_its_reason(verifier: TokenVerifier) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("parley_tokens_rejected_total", {"reason": "expired"}) or 0

    before = count()
    await reason(verifier, by_secret(exp=1))
    assert count() == before + 1


@pytest.mark.parametrize("secret", ["", "hunter2", "x" * 31])
def test_a_weak_secret_stops_the_start_and_the_error_does_not_repeat_it(secret: str) -> None:
    with pytest.raises(SettingError, match="JWT_SECRET must be a secret of at least 32 bytes") as raised:
        TokenVerifier(secrets=[SECRET, secret])
    assert not secret or secret not in str(raised.value)


def test_a_public_key_in_the_place_of_a_secret_stops_the_start() -> None:
    pem = rsa_key("a").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(SettingError, match="JWT_SECRET"):
        TokenVerifier(secrets=[pem])


def test_no_keys_at_all_stop_the_start() -> None:
    with pytest.raises(SettingError, match="JWT_SECRET or JWT_JWKS_URL"):
        TokenVerifier()
