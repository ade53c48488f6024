"""By what a person proves who they are."""

from dataclasses import dataclass

from gateway.session.revocations import Revocations
from shared.auth import TokenVerifier


@dataclass(frozen=True)
class Credentials:
    """A token must be good, and its sign-in not revoked."""

    verifier: TokenVerifier
    revocations: Revocations
