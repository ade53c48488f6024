"""The living keys as each request is judged by them: in memory, so that a request costs no query."""

import time
from datetime import UTC, datetime

from persistence.database.pool import Pool
from persistence.keys import store
from persistence.keys.store import LivingKey
from shared.auth import server_key
from shared.auth.caller import KeyHolder
from shared.auth.server_key import Presented

_NOBODY = LivingKey(server_key.hash_of(""), frozenset(), None)


class Keyring:
    """`refresh` is to be called when `Refusals` hears of a change of `store.KEYS`, and once at the start; `flush` every
    minute or so."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._keys: dict[str, LivingKey] = {}
        self._used: dict[str, float] = {}  # -> when, in Unix seconds

    async def refresh(self) -> None:
        """Raises DATABASE_FAILURES."""
        self._keys = await store.living(self._pool)

    def holder(self, presented: Presented) -> KeyHolder | None:
        """None for a key that is unknown, revoked or expired, or whose secret is another one."""
        key, now = self._keys.get(presented.key_id, _NOBODY), time.time()
        is_right = server_key.is_secret_of(presented, key.hash)  # of an unknown key too: in the same time
        if not is_right or key is _NOBODY or (key.expires_at is not None and key.expires_at <= now):
            return None
        self._used[presented.key_id] = now
        return KeyHolder(presented.key_id, key.scopes)

    async def flush(self) -> None:
        """Writes when keys were used last; no statement where none was. Raises DATABASE_FAILURES: then the next flush
        has to tell it."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await store.note_used(self._pool, [(one, datetime.fromtimestamp(at, UTC)) for one, at in used.items()])
        except BaseException:
            self._used = used | self._used
            raise
