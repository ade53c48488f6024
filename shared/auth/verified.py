"""Tokens that were verified lately: a signature costs 20 to 60 µs, and one token comes with every request."""

import hashlib
from collections import OrderedDict

from shared.auth.identity import Identity

MOST_TOKENS = 8192
LONGEST_SECONDS = 300.0
"""A key that is taken out of the key set must stop opening doors, also for tokens that live for weeks."""


class VerifiedTokens:
    """The last `most` tokens, each until it expires, and for at most `LONGEST_SECONDS`.

    It keeps a digest in place of the token, so that none is in memory for longer than its request.
    """

    def __init__(self, most: int = MOST_TOKENS) -> None:
        self._most = most
        self._entries: OrderedDict[bytes, tuple[Identity, float]] = OrderedDict()

    def get(self, token: str, now: float) -> Identity | None:
        digest = _digest(token)
        entry = self._entries.get(digest)
        if entry is None:
            return None
        identity, until = entry
        if now >= until:
            del self._entries[digest]
            return None
        self._entries.move_to_end(digest)
        return identity

    def put(self, token: str, identity: Identity, now: float) -> None:
        self._entries[_digest(token)] = (identity, min(identity.expires_at, now + LONGEST_SECONDS))
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)


def _digest(token: str) -> bytes:
    # Collision-resistant, for a stranger chooses the input.
    return hashlib.sha256(token.encode()).digest()
