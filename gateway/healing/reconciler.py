"""Compares every room's place and every user's version with Postgres: after the Redis link was down, and now and then.

The tail of a quiet room has no later event that would show its loss; only the head in Postgres does.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, zip_longest
from time import monotonic
from typing import TypeAlias, TypeVar

import structlog

from gateway.forwarding.hub import Hub
from gateway.healing.outage_timer import OutageTimer
from gateway.membership.memberships import Memberships
from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.state.room import Room
from gateway.state.user import User
from shared import api
from shared.ids import id_bytes

log = structlog.get_logger()

EPOCH_SECONDS = 5.0
"""How long a restore of the database may go unnoticed where nothing speaks of it: a look costs persistence one row."""
RETRY_SECONDS = 1.0
DOUBT_SECONDS = 1.0

Item = TypeVar("Item")
_Peopled: TypeAlias = tuple[Room, Collection[User]]


class Reconciler:
    """`run` must run, as a task of the owner's; the rest only says what there is to check."""

    def __init__(
        self,
        hub: Hub,
        memberships: Memberships,
        persistence: PersistenceClient,
        every_seconds: float,
        recovery: OutageTimer,
    ) -> None:
        self._hub = hub
        self._memberships = memberships
        self._persistence = persistence
        self._every_seconds = every_seconds
        self._outage_timer = recovery
        self._asked = asyncio.Event()
        self._restored: set[bytes] = set()
        self._doubtful = False
        self._doubt: asyncio.TimerHandle | None = None
        self._doubted_at = -DOUBT_SECONDS
        # Receipts are published after they were committed: only the mark before the last one is safely before them.
        self._as_of: str | None = None
        self._last_as_of: str | None = None

    def on_restored(self, channels: Sequence[bytes]) -> None:
        """Events on these channels may have been missed."""
        self._restored.update(channels)
        self._asked.set()

    def on_other_epoch(self) -> None:
        """Something spoke of another line of history: ask Postgres which one it is, at most once a second.

        What spoke so was not forwarded, and may have been right, or of a process that had not heard of a restore: every
        room is looked at, as none tells what it lacks. A doubt within the second is kept, not dropped.
        """
        if self._doubt is None:
            wait = max(0.0, self._doubted_at + DOUBT_SECONDS - monotonic())
            self._doubt = asyncio.get_running_loop().call_later(wait, self._ask_about_history)

    def _ask_about_history(self) -> None:
        self._doubt = None
        self._doubted_at = monotonic()
        self._doubtful = True
        self._asked.set()

    async def run(self) -> None:
        while True:
            try:
                await self._once()
                await self._rest()
            except PersistenceAway as away:
                log.warning("rooms not checked yet", error=str(away))
                await asyncio.sleep(RETRY_SECONDS)

    async def _rest(self) -> None:
        """Until something is asked, or the turn of everything comes; meanwhile only the epoch is looked at."""
        due = monotonic() + self._every_seconds
        while not self._asked.is_set() and (left := due - monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, EPOCH_SECONDS)):
                    await self._asked.wait()
            except TimeoutError:
                await self._look_at_epoch()

    async def _look_at_epoch(self) -> None:
        try:
            await self._compare([], [])
        except PersistenceAway as away:
            log.warning("epoch not read", error=str(away))

    async def _once(self) -> None:
        self._asked.clear()
        self._outage_timer.on_check_begins()
        restored, self._restored = self._restored, set()
        doubtful, self._doubtful = self._doubtful, False
        try:
            await self._check(set() if doubtful else restored)
            await self._forward_receipts(restored)
            self._outage_timer.on_check_done()
        except PersistenceAway:
            self._outage_timer.on_check_failed()
            self._restored |= restored
            self._doubtful |= doubtful
            self._asked.set()
            raise

    async def _check(self, restored: set[bytes]) -> None:
        """All of them if nothing in particular was interrupted."""
        rooms = [room for channel, room in self._hub.rooms.items() if not restored or channel in restored]
        users = [user for channel, user in self._hub.users.items() if not restored or channel in restored]
        # Also where there is nobody: the epoch is to be known before the next one comes.
        for some_rooms, some_users in list(_batches(rooms, users)) or [([], [])]:
            await self._compare(some_rooms, some_users)

    async def _compare(self, rooms: Sequence[Room], users: Sequence[User]) -> None:
        # What is forwarded while the answer is on its way may be above the heads in it.
        seen = [(room, room.forwarded) for room in rooms]
        applied = [(user, user.changes.forwarded) for user in users]
        answer = await self._persistence.heads(
            [room.conversation_id for room in rooms], [user.user_id for user in users]
        )
        if not self._hub.adopt_epoch(answer.epoch):
            await self._adopt_history(answer.epoch)
            return
        await self._restart_rooms([room for room, forwarded in seen if self._is_ahead(room, forwarded, answer)])
        for user, version in applied:
            if user.changes.started and answer.versions.get(user.user_id, version) != version:
                await self._memberships.heal(user)

    def _is_ahead(self, room: Room, forwarded: int, answer: api.HeadsAnswer) -> bool:
        """Takes a room's head in; whether the room has to begin anew."""
        if self._hub.rooms.get(room.channel) is not room or not room.started:
            return False
        head = answer.heads.get(room.conversation_id)
        if head is None:
            self._memberships.leave_gone(room)
        elif head < forwarded:
            log.warning("room is ahead of its log", conversation_id=room.conversation_id, head=head)
            return True
        else:
            self._hub.begin(room, head)
        return False

    async def _adopt_history(self, epoch: str) -> None:
        """The database was restored: rooms begin anew at its heads, users at its lists, clients are told to sync."""
        log.warning("another line of history", epoch=epoch)
        before = self._hub.epoch
        self._hub.epoch = id_bytes(epoch)
        self._hub.latest_receipts.forget()
        self._as_of = self._last_as_of = None  # marks of a history that is no more
        try:
            # All rooms before any user: how far a room was forwarded tells whether what is hidden has come back.
            for rooms in _pieces(list(self._hub.rooms.values())):
                await self._restart_rooms(rooms)
            for users in _pieces(list(self._hub.users.values())):
                await self._restart_users(users)
            self._hub.listener.on_epoch()
        except PersistenceAway:
            # Half of it is not enough: the next check finds the difference again, and begins anew.
            self._hub.epoch = before
            raise

    async def _restart_rooms(self, rooms: Sequence[Room]) -> None:
        """At the heads of the log as it is now; who is in a conversation no longer leaves its room before that."""
        for piece in _with_few_people([(room, self._hub.users_in(room)) for room in rooms]):
            pairs: dict[str, list[str]] = {}
            for room, users in piece:
                for user in users:
                    pairs.setdefault(user.user_id, []).append(room.conversation_id)
            answer = await self._persistence.heads([room.conversation_id for room, _ in piece], [], pairs)
            for room, users in piece:
                self._restart_room(room, users, answer)

    def _restart_room(self, room: Room, users: Collection[User], answer: api.HeadsAnswer) -> None:
        conversation_id = room.conversation_id
        head = answer.heads.get(conversation_id)
        if head is None:
            self._memberships.leave_gone(room)
            return
        outside = [user for user in users if conversation_id in answer.outside.get(user.user_id, ())]
        self._memberships.take_out(room, outside)
        self._hub.restart(room, head, answer.counted.get(conversation_id))

    async def _restart_users(self, users: list[User]) -> None:
        answer = await self._persistence.sessions([api.SessionUser.of(user.user_id, user.profile) for user in users])
        by_id = {session.id: session for session in answer.sessions}
        for user in users:
            if user.user_id in by_id:
                self._memberships.restart(user, by_id[user.user_id])

    async def _forward_receipts(self, restored: set[bytes]) -> None:
        """Those that moved while nothing was heard; and the mark from which to ask the next time."""
        rooms = [room for channel, room in self._hub.rooms.items() if channel in restored]
        pieces = [[room.conversation_id for room in some] for some, _ in _batches(rooms, [])] or [[]]
        marks = []
        for piece in pieces:
            answer = await self._persistence.receipts(piece, self._as_of if piece else None)
            marks.append(answer.as_of)
            for receipt in answer.receipts:
                self._forward_receipt(receipt)
        self._as_of, self._last_as_of = self._last_as_of or marks[0], marks[0]

    def _forward_receipt(self, receipt: api.Receipt) -> None:
        room = self._hub.room(receipt.conversation_id)
        if room is not None:
            reader = id_bytes(receipt.sender_id)
            self._hub.send_receipt(room, reader, receipt.status, receipt.seq, bytes(receipt.frame))


def _with_few_people(rooms: Sequence[_Peopled]) -> Iterator[list[_Peopled]]:
    """In steps of what one look-up takes: so many users, each room whole."""
    piece: list[_Peopled] = []
    people = 0
    for one in rooms:
        people += len(one[1])
        if piece and people > api.MAX_LOOKUPS:
            yield piece
            piece, people = [], len(one[1])
        piece.append(one)
    if piece:
        yield piece


def _batches(rooms: Sequence[Room], users: Sequence[User]) -> Iterator[tuple[list[Room], list[User]]]:
    """Both in steps of what one look-up takes."""
    for some_rooms, some_users in zip_longest(_pieces(rooms), _pieces(users), fillvalue=None):
        yield some_rooms or [], some_users or []


def _pieces(items: Sequence[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while piece := list(islice(rest, api.MAX_LOOKUPS)):
        yield piece
