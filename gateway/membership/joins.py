"""A live session comes into a conversation: announced once its room is joined, with nothing missing behind the news."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
import structlog

from gateway.bus import Bus, NotSubscribed
from gateway.forwarding.hub import Hub
from gateway.lookups import Lookups, Starter
from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import User
from shared import frames
from shared.api import LoggedEvent
from shared.wire import NO_MESSAGE

log = structlog.get_logger()

RETRY_SECONDS = 1.0
AT_ONCE = 32
"""Look-ups: somebody may come into thousands of conversations in one moment, as a list that was read again says."""
MOST_MISSED = 256
"""Events between the news and the head that are sent after it; where there are more, the client syncs."""

MOST_MISSED_BYTES = 128 * 1024

Answer = TypeVar("Answer")


class _LastMessage(msgspec.Struct):
    seq: int


class _Told(msgspec.Struct, rename="camel"):
    """Of a conversation's JSON, what the gateway reads: how far the news says that it reaches, and its last message."""

    last_seq: int
    last_message: _LastMessage | None = None

    @property
    def counted(self) -> int:
        """The seq of the last message that the user sees; 0 where there is none."""
        return 0 if self.last_message is None else self.last_message.seq


_told = msgspec.json.Decoder(_Told)


class _Gone(Exception):
    """The conversation, or everyone who was to come in, is gone."""


class Joins:
    def __init__(self, hub: Hub, bus: Bus, lookups: Lookups, persistence: PersistenceClient, tasks: Starter) -> None:
        self._hub = hub
        self._bus = bus
        self._lookups = lookups
        self._persistence = persistence
        self._tasks = tasks
        self._turns = asyncio.Semaphore(AT_ONCE)

    def join(self, user: User, conversation_id: str, people: int, conversation: msgspec.Raw | None) -> None:
        """At once all that the room forwards is held for the user's sessions; the rest takes look-ups.

        `conversation` is its JSON, None where there was no announcement: then it is news only to those who come in.
        Sessions that only arrive are no concern here: what changes meanwhile is held for them as the user's changes.
        """
        if not user.sessions:
            return
        room = self._hub.open_room(conversation_id, people)
        user.add_room(room)
        inside = [session for session in user.sessions if session.is_paused_in(room) or room.knows(session)]
        newcomers = [session for session in user.sessions if session not in inside]
        for session in newcomers:
            room.enter(session)
        self._tasks.start(self._finish(user, room, newcomers, inside, conversation), name="join a room")

    def tell(self, user: User, room: Room) -> None:
        """To those who are in the room already it is news again: they hid it, and have it back."""
        self._tasks.start(self._tell(user, room), name="tell of a room")

    async def _tell(self, user: User, room: Room) -> None:
        try:
            conversation = await self._conversation(user, room.conversation_id)
        except _Gone:
            return
        # Race: the user may have hidden it, again, while the look-up went on.
        if user.lists(room.conversation_id, _told.decode(conversation).counted):
            _send([session for session in user.sessions if room.knows(session)], _news(room, conversation))

    async def _finish(
        self, user: User, room: Room, newcomers: list[Session], inside: list[Session], conversation: msgspec.Raw | None
    ) -> None:
        announced = conversation is not None
        try:
            # The conversation before the head: how far it says that it reaches is then never above the head.
            conversation = conversation or await self._conversation(user, room.conversation_id)
            told = _told.decode(conversation)
            head, counted = await self._head(user, room) if newcomers else (told.last_seq, told.counted)
            missed = await self._missed(room, told.last_seq, head)
        except _Gone:
            self._give_up(user, room, newcomers)
            return
        news = _news(room, conversation)
        if announced and user.lists(room.conversation_id, told.counted):  # race: as in `_tell`
            _send(inside, news)
        # Whoever closed, or left again, while the answers were on their way is not in the room any more.
        present = [session for session in newcomers if room.is_newcomer(session)]
        if present:
            self._hub.begin(room, head, counted)
        for session in present:
            self._let_in(session, room, head, counted, news, missed)

    def _let_in(
        self,
        session: Session,
        room: Room,
        head: int,
        counted: int,
        news: bytes,
        missed: Sequence[LoggedEvent] | None,
    ) -> None:
        settled = room.settle(session, head)
        # Race: as in `_tell`; then nothing that is hidden is sent either.
        if session.user.lists(room.conversation_id, max(room.counted, counted)):
            session.send(news)
            if missed is None or settled > head:
                session.send(frames.sync(conversation_id=room.conversation_id, last_seq=settled))
            for event in missed or ():
                if session.acks or event.flags & NO_MESSAGE or event.sender_id != session.user.user_id:
                    session.send(bytes(event.frame))
        else:
            room.drop_held(session)
        self._hub.release(session, room)

    def _give_up(self, user: User, room: Room, newcomers: list[Session]) -> None:
        user.remove_room(room)
        left = frames.conversation_left(conversation_id=room.conversation_id)
        for session in newcomers:
            if room.is_newcomer(session):
                self._hub.leave(session, room)
                session.send(left)  # the client may have it from a list that it asked for meanwhile

    async def _head(self, user: User, room: Room) -> tuple[int, int]:
        """Read after Redis confirmed the channel; and the last message's seq."""

        async def read() -> tuple[int, int]:
            try:
                await self._bus.subscribe([room.channel])
            except NotSubscribed:
                raise _Gone from None
            found = await self._lookups.heads([room.conversation_id], user.user_id)
            if not self._hub.adopt_epoch(found.epoch):
                self._hub.listener.on_other_epoch()
                raise PersistenceAway("the database has another line of history")
            if room.conversation_id not in found.heads:
                raise _Gone
            head = found.heads[room.conversation_id]
            return head, found.counted.get(room.conversation_id, head)

        return await self._until_answered(user, read)

    async def _conversation(self, user: User, conversation_id: str) -> msgspec.Raw:
        async def read() -> msgspec.Raw:
            answer = await self._persistence.conversations(user.user_id, [conversation_id])
            if conversation_id not in answer.conversations:
                raise _Gone
            return answer.conversations[conversation_id]

        return await self._until_answered(user, read)

    async def _missed(self, room: Room, told: int, head: int) -> Sequence[LoggedEvent] | None:
        """What was sent between the announcement and our joining; None where the client has to sync it."""
        if head <= told:
            return ()
        if head - told > MOST_MISSED:
            return None
        try:
            answer = await self._persistence.events(room.conversation_id, after=told, up_to=head)
        except PersistenceAway:
            return None
        small = sum(len(event.frame) for event in answer.events) <= MOST_MISSED_BYTES
        return answer.events if answer.complete and small else None

    async def _until_answered(self, user: User, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        while not user.is_gone:
            try:
                async with self._turns:
                    return await ask()
            except PersistenceAway as away:
                log.warning("room not joined yet", error=str(away))
            await asyncio.sleep(RETRY_SECONDS)
        raise _Gone


def _send(sessions: Iterable[Session], frame: bytes) -> None:
    for session in sessions:
        session.send(frame)


def _news(room: Room, conversation: msgspec.Raw) -> bytes:
    return frames.conversation_new(conversation_id=room.conversation_id, conversation=conversation)
