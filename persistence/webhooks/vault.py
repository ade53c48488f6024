"""Secrets that must be used again, as they stand in the database: AES-256-GCM under SECRETS_KEY."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class NoSecretsKey(Exception):
    """SECRETS_KEY is not set, or not the one that this secret was written with: set it, with the old one behind it."""


class Vault:
    """The first key writes, every key reads: so a new one comes in front while it replaces another."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, secret: str, owner: str) -> bytes:
        """`owner` is the id of the row: what was written into one is of no use in another. Raises NoSecretsKey."""
        if not self._ciphers:
            raise NoSecretsKey("SECRETS_KEY is not set")
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, secret.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str:
        """Raises NoSecretsKey."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode()).decode()
            except InvalidTag:
                continue
        raise NoSecretsKey("no key of SECRETS_KEY opens this secret")
