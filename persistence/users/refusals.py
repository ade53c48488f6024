"""The refusals as each request is held to them: in memory, so that they cost no query, and read anew every second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

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
        self._users: dict[str, float] = {}  # -> until when
        self._inactive: set[str] = set()
        self._reading = asyncio.Lock()
        self._listeners: dict[str, Callable[[], Awaitable[None]]] = {}

    def listen(self, what: str, refresh: Callable[[], Awaitable[None]]) -> None:
        """Calls `refresh` whenever a change of this is noted (`revocations.note_change`), and when the database is
        another one: so that nothing else in memory costs a statement a second. Before the first `refresh`."""
        self._listeners[what] = refresh

    async def refresh(self) -> None:
        """Reads what changed since the last time. Raises DATABASE_FAILURES."""
        # One at a time: else a reading that was overtaken would put what is old in the place of what is new.
        async with self._reading:
            mark, changed = await refusals.since(self._pool, self._mark)
            is_other = mark < self._mark  # a restored database
            if is_other:
                mark, changed = await refusals.since(self._pool, 0)
            await self._tell(changed, everybody=is_other or self._mark == 0)
            if is_other:
                self._sessions, self._users, self._inactive = {}, {}, set()
            self._mark = mark  # after the listeners: what one of them could not read is told again
            for one in changed:
                self._note(one)
            self._forget(time.time())

    def judge(self, user: Identity) -> ApiError | None:
        """What to answer to a user who may not come in."""
        if self._users.get(user.user_id, 0.0) > time.time():
            return forbidden("this user is banned")
        if user.user_id in self._inactive:
            return forbidden("this user is deactivated")
        if user.session_id in self._sessions:
            return unauthorized("authentication failed: the session was revoked")
        return None

    async def _tell(self, changed: Sequence[refusals.Refusal], *, everybody: bool) -> None:
        subjects = {one.subject for one in changed}
        for what, refresh in self._listeners.items():
            if everybody or refusals.CHANGED + what in subjects:
                await refresh()

    def _forget(self, now: float) -> None:
        for gone in [session for session, until in self._sessions.items() if until <= now]:
            del self._sessions[gone]
        for over in [user_id for user_id, until in self._users.items() if until <= now]:
            del self._users[over]

    def is_refused(self, user_id: str, session_id: str | None) -> bool:
        """The same for who verified the token elsewhere."""
        return user_id in self._users or session_id in self._sessions

    def _note(self, one: refusals.Refusal) -> None:
        if one.subject.startswith(refusals.CHANGED):
            return
        if one.subject.startswith(refusals.SESSION):
            session_id = one.subject.removeprefix(refusals.SESSION)
            self._sessions[session_id] = one.expires_at or _FOREVER
            return
        prefix, _, user_id = one.subject.partition(":")
        if prefix + ":" == refusals.INACTIVE:
            (self._inactive.add if one.refused else self._inactive.discard)(user_id)
        elif one.refused:
            self._users[user_id] = one.expires_at or _FOREVER
        else:
            self._users.pop(user_id, None)
