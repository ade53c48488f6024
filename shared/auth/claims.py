"""What the claims of a token must say before it is a user's. Pure: the signature is somebody else's job."""

from functools import lru_cache
from typing import Any

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from shared.auth.identity import Identity, Reason, Rejected, identity_of
from shared.ids import canonical_id
from shared.settings import DEFAULT_HANDLE_CLAIMS

LATEST_EXPIRY = 253_402_300_800
"""The year 10000: no time of a real token, and beyond what timers and dates can hold."""


class _HmacOfFewSecrets(HMACAlgorithm):
    """PyJWT looks at a secret, whether it is a public key in disguise, at each use. That takes a third of a token's
    time, and the secrets stay the same."""

    def __init__(self) -> None:
        super().__init__(HMACAlgorithm.SHA256)
        self._prepared = lru_cache(maxsize=8)(super().prepare_key)

    def prepare_key(self, key: str | bytes) -> bytes:
        return self._prepared(key)


class _Decoder(jwt.PyJWT):
    def __init__(self) -> None:
        super().__init__(options={"require": ["exp", "sub", "aud"], "enforce_minimum_key_length": True})
        self._jws.unregister_algorithm("HS256")
        self._jws.register_algorithm("HS256", _HmacOfFewSecrets())


_DECODER = _Decoder()


class Expected(msgspec.Struct, frozen=True):
    """What a user's token carries. Supabase's `anon` and `service_role` keys are signed with the same secret as
    users' tokens are; it is audience, role and subject that tell them apart.
    """

    audience: str
    role: str
    issuer: str | None = None
    handle_claims: tuple[str, ...] = DEFAULT_HANDLE_CLAIMS
    leeway_seconds: float = 60.0
    """How far the issuer's clock may be ahead of ours, for `iat` and `nbf`. `exp` gets none: clients refresh early."""


def read_claims(token: str, key: Any, algorithm: str, expected: Expected, now: float) -> Identity | Rejected:
    """Verifies the signature by this key and this one algorithm, whatever the token's header says; then the claims."""
    try:
        claims = _DECODER.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=expected.leeway_seconds,
        )
    except jwt.InvalidTokenError as error:
        return Rejected(_reason(error), _detail(error, token, expected, now))
    return judge(claims, expected, now)


def judge(claims: dict[str, Any], expected: Expected, now: float) -> Identity | Rejected:
    """Holds the claims to what PyJWT does not ask: a real `exp` without leeway, our role, a UUID as subject, and
    a sign-in that can be written down."""
    exp = claims["exp"]
    if isinstance(exp, bool) or not isinstance(exp, int | float) or not exp < LATEST_EXPIRY:  # NaN is not, either
        return Rejected(Reason.CLAIMS, "exp is no time")
    if exp <= now:
        return Rejected(Reason.EXPIRED)
    user_id = canonical_id(claims["sub"])
    if user_id is None:
        return Rejected(Reason.CLAIMS, "sub is no UUID")
    if claims.get("role") != expected.role:
        return Rejected(Reason.CLAIMS, "role is not that of this server's users")
    if _is_unfit_session_id(claims.get("session_id")):
        return Rejected(Reason.CLAIMS, "session_id holds a control character")
    return identity_of(claims, user_id, expected.handle_claims)


def _is_unfit_session_id(value: object) -> bool:
    """A sign-in that nobody could name to revoke it, and that Postgres would refuse together with all that was asked
    beside it."""
    return isinstance(value, str) and not value.isprintable()


def _reason(error: jwt.InvalidTokenError) -> Reason:
    if isinstance(error, jwt.ExpiredSignatureError):
        return Reason.EXPIRED
    if isinstance(error, jwt.InvalidSignatureError | jwt.InvalidAlgorithmError | jwt.InvalidKeyError):
        return Reason.SIGNATURE
    if isinstance(error, jwt.DecodeError):
        return Reason.MALFORMED
    return Reason.CLAIMS


def _detail(error: jwt.InvalidTokenError, token: str, expected: Expected, now: float) -> str:
    """The claim at fault, of a token whose signature is good; empty where the reason says all."""
    if isinstance(error, jwt.ImmatureSignatureError):
        return _ahead(token, expected, now)
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"{error.claim} is missing"
    if isinstance(error, jwt.InvalidAudienceError):
        return "aud is not this server's"
    if isinstance(error, jwt.InvalidIssuerError):
        return "iss is not this server's"
    if isinstance(error, jwt.InvalidIssuedAtError):
        return "iat is no time"
    return ""


def _ahead(token: str, expected: Expected, now: float) -> str:
    """By how much the worst of `iat` and `nbf` is ahead: PyJWT says only that one of them is."""
    claims = jwt.decode(token, options={"verify_signature": False})  # PyJWT has verified it, and then refused a claim
    ahead = {name: claims[name] - now for name in ("iat", "nbf") if isinstance(claims.get(name), int | float)}
    if not ahead:
        return "iat or nbf is no time"
    name = max(ahead, key=lambda one: ahead[one])
    allowed = f"CLOCK_LEEWAY_SECONDS allows {expected.leeway_seconds:g}"
    return f"{name} is {ahead[name]:.0f} s ahead of this server's clock, {allowed}"
