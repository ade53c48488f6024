"""The refusals as each request is held to them: in memory, so that they cost no query, and read anew every second."""

import time

from persistence.database.pool import Pool
from persistence.users import revocations as refusals
from shared.auth import Identity
from shared.http.errors import ApiError, forbidden, unauthorized

_FOREVER = float("inf")


class Refusals:
    """`refresh` is to be called every second or so: so long may a request of who was refused elsewhere still pass."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._mark = 0
        self._sessions: dict[str, float] = {}  # -> until when, in Unix seconds
        self._users: set[str] = set()

    async def refresh(self) -> None:
        """Reads what changed since the last time. Raises DATABASE_FAILURES."""
        mark, changed = await refusals.since(self._pool, self._mark)
        if mark < self._mark:  # a restored database
            self._sessions, self._users = {}, set()
            mark, changed = await refusals.since(self._pool, 0)
        self._mark = mark
        for one in changed:
            self._note(one)
        now = time.time()
        for gone in [session for session, until in self._sessions.items() if until <= now]:
            del self._sessions[gone]

    def judge(self, user: Identity) -> ApiError | None:
        """What to answer to a user who may not come in."""
        if user.user_id in self._users:
            return forbidden("this user is banned")
        if user.session_id in self._sessions:
            return unauthorized("authentication failed: the session was revoked")
        return None

    def _note(self, one: refusals.Refusal) -> None:
        if one.subject.startswith(refusals.SESSION):
            session_id = one.subject.removeprefix(refusals.SESSION)
            self._sessions[session_id] = one.expires_at or _FOREVER
        elif one.refused:
            self._users.add(one.subject.removeprefix(refusals.USER))
        else:
            self._users.discard(one.subject.removeprefix(refusals.USER))
