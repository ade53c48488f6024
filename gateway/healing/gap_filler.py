"""Fills the gaps in rooms: what Redis lost or brings late is read from the log, or the clients are told to sync."""

import asyncio
from time import monotonic
from typing import TypeVar

import structlog

from gateway.forwarding.hub import Hub
from gateway.healing.outage_timer import OutageTimer
from gateway.lookups import Starter
from gateway.membership.memberships import Memberships
from gateway.membership.missing import Missing
from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.state.reorder import Gap
from gateway.state.room import Room
from gateway.state.user import User
from shared.api import EventsAnswer, LoggedEvent
from shared.wire import Kind, pack, pack_removed

log = structlog.get_logger()

RETRY_SECONDS = 1.0
TURN_SECONDS = 0.05
LONGEST_GAP = 256
LARGEST_GAP_BYTES = 128 * 1024
"""Beyond these a sync by each client, in pages, is cheaper than a burst that would overflow every member's outbox."""
FETCHES_AT_ONCE = 8

Waiter = TypeVar("Waiter", Room, User)


class GapFiller:
    """Serves the rooms and users that wait for something missing. `run` must run, as a task of the owner's."""

    def __init__(
        self,
        hub: Hub,
        memberships: Memberships,
        missing: Missing,
        outage_timer: OutageTimer,
        persistence: PersistenceClient,
        tasks: Starter,
    ) -> None:
        self._hub = hub
        self._memberships = memberships
        self._missing = missing
        self._outage_timer = outage_timer
        self._persistence = persistence
        self._tasks = tasks
        self._busy: set[Room | User] = set()

    async def run(self) -> None:
        while True:
            await self._missing.any.wait()
            self._turn(monotonic())
            if not self._missing.has_any:
                self._missing.any.clear()
                self._outage_timer.on_gaps_filled()
            await asyncio.sleep(TURN_SECONDS)

    def _turn(self, now: float) -> None:
        for room in [room for room in self._missing.rooms if not self._is_missing(room)]:
            del self._missing.rooms[room]
        for user in [user for user in self._missing.users if not self._is_behind(user)]:
            del self._missing.users[user]
            self._missing.doubted.discard(user)
        for room in self._due(self._missing.rooms, now):
            self._tasks.start(self._fill(room), name="fill a gap")
        for user in self._due(self._missing.users, now):
            self._tasks.start(self._heal(user), name="heal a user")

    def _is_missing(self, room: Room) -> bool:
        return room.gap is not None and self._hub.rooms.get(room.channel) is room

    def _is_behind(self, user: User) -> bool:
        return not user.is_gone and (user in self._missing.doubted or user.changes.gap is not None)

    def _due(self, waiting: "dict[Waiter, float]", now: float) -> "list[Waiter]":
        free = FETCHES_AT_ONCE - len(self._busy)
        due = [who for who, at in waiting.items() if at <= now and who not in self._busy][: max(0, free)]
        self._busy.update(due)
        return due

    async def _heal(self, user: User) -> None:
        try:
            await self._memberships.heal(user)
            self._missing.doubted.discard(user)
        except PersistenceAway as away:
            log.warning("user not healed yet", error=str(away))
            self._missing.users[user] = monotonic() + RETRY_SECONDS
        finally:
            self._busy.discard(user)

    async def _fill(self, room: Room) -> None:
        try:
            gap = room.gap
            if gap is not None:
                self._hub.stats.gaps += 1
                await self._close_gap(room, gap)
        except PersistenceAway as away:
            log.warning("gap not filled yet", error=str(away), conversation_id=room.conversation_id)
            self._missing.rooms[room] = monotonic() + RETRY_SECONDS
        finally:
            self._busy.discard(room)

    async def _close_gap(self, room: Room, gap: Gap) -> None:
        is_long = gap.last - gap.first >= LONGEST_GAP
        users = [user.user_id for user in self._hub.users_in(room)]
        # Also where nothing is to be forwarded: who has left is to go before the others hear `sync`.
        after = gap.last if is_long else gap.first - 1
        answer = await self._persistence.events(room.conversation_id, after=after, up_to=gap.last, users=users)
        if not self._hub.adopt_epoch(answer.epoch):
            self._hub.listener.on_other_epoch()
            return
        outside = [self._hub.user(user_id) for user_id in answer.outside]
        self._memberships.take_out(room, [user for user in outside if user is not None])
        if is_long or not answer.complete or _size(answer) > LARGEST_GAP_BYTES:
            self._hub.skip_to(room, gap.last, answer.counted)
        else:
            envelopes = [(event.seq, _envelope(event, answer.epoch)) for event in answer.events]
            self._hub.forward_all(room, room.fill(envelopes, monotonic()))


def _size(answer: EventsAnswer) -> int:
    return sum(len(event.frame) for event in answer.events)


def _envelope(event: LoggedEvent, epoch: str) -> bytes:
    """As it would have come from Redis."""
    frame = bytes(event.frame)
    return pack(
        Kind.REMOVED if event.removed else Kind.DURABLE,
        pack_removed(event.removed, frame) if event.removed else frame,
        flags=event.flags,
        seq=event.seq,
        committed_us=event.committed_us,
        sender=event.sender_id,
        epoch=epoch,
    )
