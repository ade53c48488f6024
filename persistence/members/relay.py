"""The relay of memberships: tells users' devices what nobody told them in time, and forgets the rows."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from persistence.database.pool import Connection
from persistence.log.publisher import Envelope, Publisher
from persistence.log.relay import OVERDUE_SECONDS
from persistence.members import user_outbox
from persistence.members.user_outbox import Change, MemberFollower, follow_nobody

BATCH = 100
"""At a time: each may bring a conversation of 50 names, as its own member sees it."""

Announce: TypeAlias = Callable[[Connection, Sequence[Change]], Awaitable[list[Envelope]]]
"""An envelope for each change, as things are now: one that is outdated is told as what came of it, for no version may
be missing."""


class MembershipRelay:
    """`user_outbox` as the relay's `Overdue`."""

    most = BATCH

    def __init__(
        self,
        publisher: Publisher,
        announce: Announce,
        *,
        overdue_seconds: float = OVERDUE_SECONDS,
        follow: MemberFollower = follow_nobody,
    ) -> None:
        self._follow = follow
        self._publisher = publisher
        self._announce = announce
        self._overdue_seconds = overdue_seconds

    async def relay(self, connection: Connection) -> int:
        changes = await user_outbox.overdue(connection, self._overdue_seconds, BATCH)
        if not changes or not await self._publisher.publish(await self._announce(connection, changes)):
            return 0
        members = [(change.user_id, change.version) for change in changes]
        await self._follow(connection, members)
        await user_outbox.settle(connection, members)
        return len(changes)
