"""How a session comes into its rooms without an event falling between: the order of a connect (design: "On connect").

Subscribe the user's channel; read the list; put the session into the rooms, where what they forward is held for it;
wait for Redis' word on their channels; read heads and membership version at once. Everything above the heads is held or
still to come; so is, on the user's channel, every change behind the list's version, up to the one that was read with
the heads: what of that does not come soon was lost, and the list is read again.
"""

import asyncio
from itertools import islice

from gateway.bus import Bus
from gateway.forwarding.hub import Hub
from gateway.lookups import Found, Lookups, Starter
from gateway.membership.arrival import Arrival
from gateway.membership.memberships import Memberships
from gateway.membership.quota import Quota
from gateway.persistence_client import PersistenceAway
from gateway.presence.writer import PresenceWriter
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import NOWHERE, User
from shared import api
from shared.auth import Identity
from shared.wire import Banning

ARRIVE_SECONDS = 10.0
SLICE = 1000
"""Rooms in one turn of the loop, some 10 ms: a person may be in tens of thousands."""


class Banned(Exception):
    """The user may not connect: close with 4502. `banning` says why, and until when."""

    def __init__(self, banning: Banning) -> None:
        super().__init__()
        self.banning = banning


class Revoked(Exception):
    """The sign-in may not connect: close with 4503."""


class TooManyConnections(Exception):
    """The user has as many as they may: close with 4504."""


class Entry:
    """Takes sessions into their rooms."""

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        lookups: Lookups,
        memberships: Memberships,
        presence: PresenceWriter,
        tasks: Starter,
        quota: Quota,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._lookups = lookups
        self._memberships = memberships
        self._presence = presence
        self._tasks = tasks
        self._quota = quota

    def sessions(self) -> list[Session]:
        """All who are complete."""
        return [session for user in self._hub.users.values() for session in user.sessions]

    def open_user(self, identity: Identity) -> User:
        """The user, made if they are not there: `begin` an arrival at once."""
        return self._hub.open_user(identity.user_id, identity.profile)

    def begin(self, session: Session) -> Arrival:
        """End it by `complete` or `abandon`, whatever happens."""
        session.user.arriving += 1
        return Arrival(session)

    async def arrive(self, arrival: Arrival) -> None:
        """Puts the session into its rooms, where all is held for it, and reads the heads.

        After it `settle` and `release`, with no await between, until `is_settled`; then `complete`. Raises
        PersistenceAway and NotSubscribed (come again later), TimeoutError while Redis is away, Banned, Revoked and
        TooManyConnections.
        """
        user = arrival.session.user
        async with asyncio.timeout(ARRIVE_SECONDS):
            await self._bus.subscribe([user.channel])
            found = await self._look_up(arrival.session)
            arrival.barred = frozenset(found.session.barred) or NOWHERE
            arrival.privacy = found.session.privacy
            if not user.sessions:  # else what they do not tell is known, perhaps of a later moment
                self._hub.discretion.note(user, arrival.privacy)
            counted = self._count(arrival, found.session.rooms)
            await self._move(arrival, found.session.rooms)
            await self._check_count(arrival, counted)
            read = await self._lookups.heads(arrival.rooms, user.user_id)
        if read.epoch != found.epoch or not self._hub.adopt_epoch(read.epoch):
            self._hub.listener.on_other_epoch()
            raise PersistenceAway("the database has another line of history")
        arrival.epoch, arrival.heads, arrival.counted = read.epoch, read.heads, read.counted
        arrival.version = found.session.version
        # A copy, for others asked with the same question; and NOTHING for all who hide nothing.
        arrival.hidden = dict(found.session.hidden) if found.session.hidden else found.session.hidden
        arrival.newest = arrival.version if read.version is None else read.version
        self._drop_gone(arrival)
        arrival.unsettled.extend(arrival.rooms)

    def settle(self, arrival: Arrival) -> dict[str, int]:
        """Fixes the session's place in the next SLICE of its rooms: their events follow from the heads that this gives,
        of those that the user lists."""
        settled: dict[str, int] = {}
        for _ in range(min(SLICE, len(arrival.unsettled))):
            conversation_id = arrival.unsettled.popleft()
            room, head = arrival.rooms[conversation_id], arrival.heads[conversation_id]
            self._hub.begin(room, head, arrival.counted.setdefault(conversation_id, head))
            arrival.settling.append(room)
            settled[conversation_id] = room.settle(arrival.session, head)
        hidden = arrival.hidden
        if hidden:
            for conversation_id in settled.keys() & hidden.keys():
                # What came above since the list was read has brought it back.
                if _counted(arrival, conversation_id) > hidden[conversation_id]:
                    del hidden[conversation_id]
                else:
                    del settled[conversation_id]
                    arrival.rooms[conversation_id].drop_held(arrival.session)
        return settled

    def release(self, arrival: Arrival) -> None:
        """The frame with the heads that `settle` gave is on its way: what was held above them follows."""
        settling, arrival.settling = arrival.settling, []
        for room in settling:
            self._hub.release(arrival.session, room)

    def is_outdated(self, arrival: Arrival) -> bool:
        """The heads that are not settled are those of another line of history by now."""
        return not self._hub.adopt_epoch(arrival.epoch)

    def complete(self, arrival: Arrival) -> None:
        """All rooms are settled: the session is one of the user's from here on."""
        session, user = arrival.session, arrival.session.user
        user.arriving -= 1
        user.sessions = (*user.sessions, session)
        rooms = list(arrival.rooms.values())
        self._memberships.adopt(arrival, rooms)
        self._presence.entered(user)

    def abandon(self, arrival: Arrival) -> None:
        """The session does not come to be, or ends before `complete`."""
        user = arrival.session.user
        if arrival.is_counted:
            self._presence.depart(user)
        self._leave_all(arrival.session, list(arrival.rooms.values()))
        user.arriving -= 1
        self._hub.release_user(user)

    def leave(self, session: Session) -> None:
        """A session that was complete is over."""
        user = session.user
        if session.is_counted:
            self._presence.depart(user)
        user.sessions = tuple(other for other in user.sessions if other is not session)
        self._leave_all(session, list(user.rooms))
        self._hub.release_user(user)

    def _leave_all(self, session: Session, rooms: list[Room]) -> None:
        """A slice now, and the others in turns of their own: until then its closed connection is there in vain."""
        for room in rooms[:SLICE]:
            self._hub.leave(session, room)
        if len(rooms) > SLICE:
            self._tasks.start(self._leave_rest(session, rooms), name="leave many rooms")

    async def _leave_rest(self, session: Session, rooms: list[Room]) -> None:
        for start in range(SLICE, len(rooms), SLICE):
            await asyncio.sleep(0)
            for room in rooms[start : start + SLICE]:
                self._hub.leave(session, room)

    async def _look_up(self, session: Session) -> Found:
        found = await self._lookups.session(session.user.user_id, session.user.profile, session.session_id)
        if found.session.banned:
            raise Banned(Banning(found.session.ban_reason, found.session.banned_until))
        if found.revoked:
            raise Revoked
        session.user.rename(found.session.handle)
        return found

    def _count(self, arrival: Arrival, listed: list[api.Room]) -> "asyncio.Future[int | None]":
        """Enters the connection into presence: it counts from here on."""
        arrival.is_counted = True
        arrival.is_return = self._presence.left_lately(arrival.session.user)
        barred = arrival.barred
        live = (room.id for room in listed if room.members <= api.LIVE_PRESENCE_MEMBERS and room.id not in barred)
        return self._presence.arrive(arrival.session.user, list(islice(live, api.LIVE_PRESENCE_ROOMS)))

    async def _check_count(self, arrival: Arrival, counted: "asyncio.Future[int | None]") -> None:
        which = await counted
        arrival.has_others = which != 1
        if not await self._quota.admits(arrival.session, which):
            raise TooManyConnections

    async def _move(self, arrival: Arrival, listed: list[api.Room]) -> None:
        """Into the rooms of the list; returns once Redis confirmed their channels."""
        for start in range(0, len(listed), SLICE):
            entered = [self._enter(arrival, one) for one in listed[start : start + SLICE]]
            await self._bus.subscribe([room.channel for room in entered])
            if len(listed) > SLICE:
                await asyncio.sleep(0)  # where all are subscribed already, as for a second device, nothing was awaited

    def _enter(self, arrival: Arrival, listed: api.Room) -> Room:
        room = arrival.rooms[listed.id] = self._hub.open_room(listed.id, listed.members)
        room.enter(arrival.session)
        return room

    def _drop_gone(self, arrival: Arrival) -> None:
        """Conversations that were purged, or in which the user is no longer, since the list was read."""
        for conversation_id in arrival.rooms.keys() - arrival.heads.keys():
            self._hub.leave(arrival.session, arrival.rooms.pop(conversation_id))


def _counted(arrival: Arrival, conversation_id: str) -> int:
    """The seq of the conversation's last message, as far as is known here; 0 for one that is gone."""
    room = arrival.rooms.get(conversation_id)
    return 0 if room is None else max(room.counted, arrival.counted[conversation_id])
