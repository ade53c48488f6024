"""Tells who shares a conversation with somebody that they are shown otherwise now: once, however often they changed."""

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.profiles import store
from shared import account_frames

AT_ONCE = 20
MOST_KNOWN = 10_000
"""Who waits to be told of. Past that the lists tell it."""


class ProfileChanges:
    """`note` never waits; `tell` is to be called every half second or so."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery
        self._changed: dict[str, None] = {}

    def note(self, user_id: str) -> None:
        """They changed how they are shown."""
        if len(self._changed) < MOST_KNOWN:
            self._changed[user_id] = None

    async def tell(self) -> None:
        """Raises DATABASE_FAILURES; who was not told of waits for the next call.

        Race: who changes again while this reads is noted again, and told of once more.
        """
        due = list(self._changed)[:AT_ONCE]
        if not due:
            return
        for user_id in due:
            del self._changed[user_id]
        try:
            found = await store.peers(self._pool, due)
        except BaseException:
            self._changed.update(dict.fromkeys(due))
            raise
        for one in found:
            await self._tell(one)

    async def _tell(self, one: store.Peers) -> None:
        """What others offer in between goes first."""
        frame = _frame(one)
        for user_id in (one.user.id, *one.peers):
            await self._delivery.room()
            self._delivery.to_user(user_id, frame)


def _frame(one: store.Peers) -> bytes:
    user = one.user
    return account_frames.user_changed(
        user_id=user.id, handle=user.handle, display_name=user.display_name, avatar_url=user.avatar_url
    )
