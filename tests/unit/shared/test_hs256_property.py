"""HS256 checked here says what PyJWT says, of whatever token."""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.auth import Identity, Reason, Rejected, TokenVerifier
from shared.auth.claims import Expected, read_claims
from shared.auth.header import has_form, read_header
from tests.support.tokens import SECRET, USER, claims

TOKENS = 4000
OTHER = "another-secret-of-more-than-32-bytes-for-tests"
ISSUER = "https://issuer.example/auth/v1"
NAMES = ("exp", "iat", "nbf", "sub", "aud", "iss", "jti", "role", "session_id", "user_metadata", "email", "x")
RAW = (
    b"",
    b"[]",
    b"null",
    b'{"exp":NaN}',
    b'{"a":"\\ud800"}',
    b"\xff\xfe{}",
    b'\xef\xbb\xbf{"exp":1}',
    b"[" * 2000,
    b'{"a":1,}',
)

Chance = random.Random


def value(chance: Chance, now: int) -> Any:
    """Of a claim: right, nearly right, and absurd ones. Times keep away from where a second decides."""
    return chance.choice(
        [
            *(now + chance.choice((-9000, -70, -30, 30, 50, 70, 9000)) for _ in range(6)),
            float(now + 500),
            now + 500.75,
            str(now + 500),
            "authenticated",
            ["authenticated"],
            ["other", "authenticated"],
            ["authenticated", 1],
            [],
            {},
            ISSUER,
            [ISSUER],
            USER,
            USER.upper(),
            "no uuid",
            "",
            None,
            True,
            False,
            0,
            -1,
            10**12,
            10**25,
            -(10**25),
            1e308,
            float("inf"),
            float("nan"),
            "ümlaut \U0001f389",
            "\x00",
            {"handle": "ann", "name": "Ann"},
        ]
    )


def payload(chance: Chance, now: int) -> bytes:
    if chance.random() < 0.05:
        return chance.choice(RAW)
    said = claims(iss=ISSUER) if chance.random() < 0.7 else claims()
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 4))):
        name = chance.choice(NAMES)
        if chance.random() < 0.3:
            said.pop(name, None)
        else:
            said[name] = value(chance, now)
    text = json.dumps(said, ensure_ascii=chance.random() < 0.5)
    if chance.random() < 0.05:
        text = text[:-1] + f', "exp": {now + 900}}}'  # twice: the last one counts
    return text.encode(chance.choice(["utf-8"] * 20 + ["utf-16", "utf-32", "utf-8-sig"]), "surrogatepass")


def header(chance: Chance) -> dict[str, Any]:
    plain: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
    if chance.random() < 0.8:
        return plain
    odd = [("kid", "k"), ("kid", 7), ("b64", False), ("b64", True), ("crit", ["b64"]), ("crit", ["x"]), ("typ", None)]
    odd += [("alg", "none"), ("alg", "hs256"), ("alg", "HS512"), ("alg", None), ("jwk", {}), ("x", 1)]
    return plain | dict(chance.sample(odd, chance.choice((1, 1, 2, 3))))


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(chance: Chance, now: int) -> str:
    head = encoded(json.dumps(header(chance)).encode())
    signed = head + b"." + encoded(payload(chance, now))
    secret = chance.choice((SECRET,) * 8 + (OTHER, "wrong"))
    made = signed + b"." + encoded(hmac.digest(secret.encode(), signed, hashlib.sha256))
    return mutated(chance, made.decode()) if chance.random() < 0.2 else made.decode()


def mutated(chance: Chance, made: str) -> str:
    """One character is another one, gone, or one more: in the last place it may change no bit of what is encoded."""
    at = chance.choice((len(made) - 1, chance.randrange(len(made)), made.rindex(".") - 1))
    return made[:at] + chance.choice(("", "A", "B", "-", "_", ".", "=", made[at] * 2, "g")) + made[at + 1 :]


def by_pyjwt(one: str, expected: Expected, secrets: tuple[str, ...], now: float) -> Identity | Rejected:
    """As it was before there was another way."""
    verdict: Identity | Rejected = Rejected(Reason.KEY_UNKNOWN)
    for secret in secrets:
        verdict = read_claims(one, secret, "HS256", expected, now)
        if isinstance(verdict, Identity) or verdict.reason != Reason.SIGNATURE:
            break
    return verdict


async def compare(seed: int, number: int, count: Callable[[Identity | Rejected], None]) -> None:
    chance = Chance(seed)
    for _ in range(number):
        now = time.time()
        one = token(chance, int(now))
        issuer = chance.choice((None, ISSUER))
        secrets = chance.choice(((SECRET,), (OTHER, SECRET)))
        verifier = TokenVerifier(secrets=secrets, issuer=issuer, clock=lambda now=now: now)  # type: ignore[misc]
        verdict = await verifier.verify(one)
        parsed = read_header(one) if has_form(one) else None
        if parsed is not None and parsed.algorithm == "HS256":
            assert verdict == by_pyjwt(one, Expected("authenticated", "authenticated", issuer), secrets, now), one
        else:
            assert isinstance(verdict, Rejected), one
        count(verdict)


@pytest.mark.parametrize("seed", [1])
async def test_pyjwt_gives_the_same_verdict_on_any_token(seed: int) -> None:
    verdicts: list[Identity | Rejected] = []
    await compare(seed, TOKENS, verdicts.append)
    passed = sum(isinstance(verdict, Identity) for verdict in verdicts)
    assert TOKENS * 0.1 < passed < TOKENS * 0.9, "both kinds were met"
    assert {verdict.reason for verdict in verdicts if isinstance(verdict, Rejected)} >= {
        Reason.MALFORMED,
        Reason.EXPIRED,
        Reason.SIGNATURE,
        Reason.CLAIMS,
    }
