"""What the claims of a token must say before it is a user's. Pure: the signature is somebody else's job."""

from functools import lru_cache
from typing import Any

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from shared.auth.identity import Identity, Reason, Rejected, identity_of
from shared.ids import canonical_id
from shared.settings import DEFAULT_HANDLE_CLAIMS

LEEWAY_SECONDS = 10
"""How far the issuer's clock may be ahead of ours, for `iat` and `nbf`. `exp` gets none: clients refresh early."""

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


def read_claims(token: str, key: Any, algorithm: str, expected: Expected, now: float) -> Identity | Rejected:
    """Verifies the signature by this key and this one algorithm, whatever the token's header says; then the claims."""
    try:
        claims = _DECODER.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=LEEWAY_SECONDS,
        )
    except jwt.InvalidTokenError as error:
        return Rejected(_reason(error))
    return judge(claims, expected, now)


def judge(claims: dict[str, Any], expected: Expected, now: float) -> Identity | Rejected:
    """Holds the claims to what PyJWT does not ask: a real `exp` without leeway, our role, a UUID as subject, and
    a sign-in that can be written down."""
    exp = claims["exp"]
    if isinstance(exp, bool) or not isinstance(exp, int | float) or not exp < LATEST_EXPIRY:  # NaN is not, either
        return Rejected(Reason.CLAIMS)
    if exp <= now:
        return Rejected(Reason.EXPIRED)
    user_id = canonical_id(claims["sub"])
    if user_id is None or claims.get("role") != expected.role:
        return Rejected(Reason.CLAIMS)
    if _is_unfit_session_id(claims.get("session_id")):
        return Rejected(Reason.CLAIMS)
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
