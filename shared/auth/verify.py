"""Says who a token's holder is, or why it is refused."""

import time
from collections.abc import Callable, Sequence

import jwt
from prometheus_client import Counter

from shared.auth.claims import Expected, judge, read_claims
from shared.auth.header import has_form, read_header
from shared.auth.hs256 import plain_claims
from shared.auth.identity import Identity, Reason, Rejected
from shared.auth.jwks import JwksCache
from shared.auth.verified import MOST_TOKENS, VerifiedTokens
from shared.settings import DEFAULT_HANDLE_CLAIMS, SettingError

REJECTED = Counter("parley_tokens_rejected_total", "Tokens of users that were refused.", ["reason"])
_REJECTED = {reason: REJECTED.labels(reason.value) for reason in Reason}

SECRET_ALGORITHM = "HS256"
KEY_SET_ALGORITHMS = ("RS256", "ES256")


class TokenVerifier:
    """Verifies tokens by secrets (HS256; several while one rotates) and by a key set (RS256, ES256).

    The algorithm belongs to the key. A token's header only says which of our keys it wants to be tried with, so a
    public key never serves as a secret, nor `none` as a signature.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str] = (),
        jwks: JwksCache | None = None,
        audience: str = "authenticated",
        role: str = "authenticated",
        issuer: str | None = None,
        handle_claims: tuple[str, ...] = DEFAULT_HANDLE_CLAIMS,
        leeway_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
        remembered: int = MOST_TOKENS,
    ) -> None:
        """Raises SettingError for a secret that is too weak, or where there is neither a secret nor a key set.

        `leeway_seconds`: how far the issuer's clock may be ahead of ours, for `iat` and `nbf`.

        `remembered` tokens cost half a KiB each: little where they come with every request, too much per socket.
        """
        if not secrets and jwks is None:
            raise SettingError("JWT_SECRET or JWT_JWKS_URL is not set")
        for secret in secrets:
            check_secret(secret)
        self._secrets = tuple(secrets)
        self._jwks = jwks
        self._expected = Expected(audience, role, issuer, handle_claims, leeway_seconds)
        self._clock = clock
        self._verified = VerifiedTokens(remembered)

    def verify_cached(self, token: str) -> Identity | None:
        """The holder of a token that was verified lately; None says nothing: ask `verify`. Neither waits nor signs."""
        return self._verified.get(token, self._clock()) if has_form(token) else None

    async def verify(self, token: str | None) -> Identity | Rejected:
        """The holder of this token, or why it is refused. Waits only for a key set that must first be fetched."""
        if not token:
            return self._refuse(Reason.MISSING)
        if not has_form(token):
            return self._refuse(Reason.MALFORMED)
        now = self._clock()
        known = self._verified.get(token, now)
        if known is not None:
            return known
        verdict = await self._judge(token)
        if isinstance(verdict, Rejected):
            return self._refuse(verdict.reason, verdict.detail)
        self._verified.put(token, verdict, now)
        return verdict

    async def _judge(self, token: str) -> Identity | Rejected:
        header = read_header(token)
        if header is None:
            return Rejected(Reason.MALFORMED)
        if header.algorithm == SECRET_ALGORITHM:
            return (self._by_secret_plainly(token) if header.is_plain else None) or self._by_secret(token)
        if header.algorithm in KEY_SET_ALGORITHMS:
            return await self._by_key_set(token, header.key_id)
        return Rejected(Reason.SIGNATURE)

    def _by_secret_plainly(self, token: str) -> Identity | Rejected | None:
        now = self._clock()
        for secret in self._secrets:
            claims = plain_claims(token, secret.encode(), self._expected, now)
            if claims is not None:
                return judge(claims, self._expected, now)
        return None

    def _by_secret(self, token: str) -> Identity | Rejected:
        verdict: Identity | Rejected = Rejected(Reason.KEY_UNKNOWN)
        for secret in self._secrets:
            verdict = read_claims(token, secret, SECRET_ALGORITHM, self._expected, self._clock())
            if isinstance(verdict, Identity) or verdict.reason != Reason.SIGNATURE:
                break
        return verdict

    async def _by_key_set(self, token: str, key_id: str | None) -> Identity | Rejected:
        if self._jwks is None or key_id is None:
            return Rejected(Reason.KEY_UNKNOWN)
        key = await self._jwks.key(key_id)
        if isinstance(key, Reason):
            return Rejected(key)
        return read_claims(token, key, key.algorithm_name, self._expected, self._clock())

    def _refuse(self, reason: Reason, detail: str = "") -> Rejected:
        _REJECTED[reason].inc()
        return Rejected(reason, detail)


def check_secret(secret: str) -> None:
    """Raises SettingError for a secret that no service takes.

    RFC 7518 3.2 wants one of at least the digest's size; PyJWT also refuses a public key in its place.
    """
    try:
        jwt.PyJWT(options={"enforce_minimum_key_length": True}).encode({}, secret, algorithm=SECRET_ALGORITHM)
    except jwt.InvalidKeyError:
        raise SettingError("JWT_SECRET must be a secret of at least 32 bytes, not a public key") from None
