"""Whether a user really has as many living sockets as they may: what may be dead makes room for who comes.

A number in Redis cannot tell: a gateway that was killed keeps its lease for a while, a phone that lost its network its
socket. So where the number says that all places are taken, every gateway is asked. It pings, evicts whoever does not
answer, and says how many live; a gateway that does not say may be dead.
"""

import asyncio
from collections.abc import Callable
from itertools import count as counter
from time import monotonic

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from gateway.presence.devices import Devices
from gateway.state.session import Session
from gateway.state.user import User
from gateway.websocket.codes import CloseCode
from shared import keys
from shared.lifecycle import Tasks
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES
from shared.wire import CountAnswer, CountQuestion, Kind, pack

log = structlog.get_logger()

PONG_SECONDS = 2.0
"""For a phone on a bad network; an old socket that needs longer is closed with 4408 and comes back."""
ANSWER_SECONDS = PONG_SECONDS + 0.5
STEP_SECONDS = 0.05
SILENT_SECONDS = 10.0
"""For which a gateway that did not answer is not waited for again: its lease runs out meanwhile."""

_questions = msgspec.json.Decoder(CountQuestion)
_answers = msgspec.json.Decoder(CountAnswer)


class _Count:
    """A question that is out. `expected` gateways hold the user, as far as Redis knows."""

    __slots__ = ("done", "expected", "living")

    def __init__(self, expected: set[str]) -> None:
        self.expected = expected
        self.living = 0
        self.done = asyncio.Event()
        if not expected:
            self.done.set()

    def take(self, answer: CountAnswer) -> None:
        self.living += answer.living
        self.expected.discard(answer.gateway)
        if not self.expected:
            self.done.set()


class Quota:
    """`most` sockets of one user may live. `devices` may know that one takes no place, and hears of each that did not
    answer; `publish(channel, envelope)` as a Publisher's."""

    def __init__(
        self,
        hub: Hub,
        reader: PresenceReader,
        tasks: Tasks,
        publish: Callable[[bytes, bytes], None],
        incarnation: str,
        devices: Devices,
        most: int,
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._tasks = tasks
        self._publish = publish
        self._incarnation = incarnation
        self._devices = devices
        self._most = most
        self._numbers = counter(1)
        self._asked: dict[int, _Count] = {}
        self._silent: dict[str, float] = {}  # gateways that did not answer -> until when none is waited for again
        self._dead: dict[bytes, asyncio.Task[int]] = {}

    async def admits(self, session: Session, which: int | None) -> bool:
        """Whether the user may have this socket, the so manieth that Redis counts (None: Redis is away, nobody is
        turned away for it). Takes up to ANSWER_SECONDS where the places look taken."""
        if which is None or which <= self._most or self._devices.has_device(session):
            return True
        try:
            return which - await self._count(session.user) <= self._most
        except REDIS_FAILURES as error:
            log.warning("living sockets not counted", error=f"{type(error).__name__}: {error}")
            return True

    async def _count(self, user: User) -> int:
        """How many of the sockets that Redis counts for the user are dead; asked once for all who come meanwhile."""
        asking = self._dead.get(user.channel)
        if asking is None:
            asking = self._dead[user.channel] = self._tasks.call(self._count_dead(user), name="count dead sockets")
        # Shielded: one client who goes away must not end the count of all others.
        return await asyncio.shield(asking)

    def on_question(self, user: User, payload: bytes) -> None:
        """On a user's channel: how many of their sockets here live?"""
        self._tasks.start(self._answer(user, _questions.decode(payload)), name="count a user's living sockets")

    def on_answer(self, payload: bytes) -> None:
        """On this gateway's own channel."""
        answer = _answers.decode(payload)
        asked = self._asked.get(answer.number)
        if asked is not None:
            asked.take(answer)

    async def _count_dead(self, user: User) -> int:
        try:
            return await self._ask_all(user, await self._reader.holders(user.user_id))
        finally:
            del self._dead[user.channel]

    async def _ask_all(self, user: User, holders: dict[str, int]) -> int:
        number = next(self._numbers)
        asked = self._asked[number] = _Count({name for name in holders if self._silent.get(name, 0.0) < monotonic()})
        question = CountQuestion(self._incarnation, number)
        self._publish(user.channel, pack(Kind.COUNT, msgspec.json.encode(question), epoch=self._hub.epoch_id))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asked.done.wait()
        except TimeoutError:
            log.info("gateways did not say whom they hold", gateways=sorted(asked.expected))
            self._silent = dict.fromkeys(asked.expected, monotonic() + SILENT_SECONDS)
        finally:
            del self._asked[number]
        return max(0, sum(holders.values()) - asked.living)

    async def _answer(self, user: User, question: CountQuestion) -> None:
        living = await self._living(user) + user.arriving
        answer = CountAnswer(self._incarnation, question.number, living)
        own = keys.gateway(question.gateway).encode()
        self._publish(own, pack(Kind.COUNTED, msgspec.json.encode(answer)))

    async def _living(self, user: User) -> int:
        """Pings all who are counted, and evicts those of whom nothing is heard after it."""
        asked = [session for session in user.sessions if session.is_counted and session.connection.is_open]
        for session in asked:
            session.connection.heard = False
            session.connection.ask()
        left = PONG_SECONDS
        while left > 0 and not all(session.connection.heard for session in asked):
            await asyncio.sleep(STEP_SECONDS)
            left -= STEP_SECONDS
        silent = [session for session in asked if not session.connection.heard]
        for session in silent:
            session.connection.close(CloseCode.NO_PONG, "no pong, and others wait for the place")
            self._devices.silent(session)
        return len(asked) - len(silent)
