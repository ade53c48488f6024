"""Keeps Redis told whom this gateway holds: whatever changed in one moment leaves in one batch."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.presence.roster import Held, Roster
from gateway.presence.script import hold
from gateway.receipts.sender import ReceiptSender
from gateway.state.user import User
from shared import keys
from shared.api import LIVE_PRESENCE_ROOMS, PeersAnswer
from shared.clock import now_ms
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_batches import Batches, Command, successes

log = structlog.get_logger()

AT_ONCE = 200
GATHER_SECONDS = 0.005
"""Between two batches: a lone arrival waits for none, and in a storm one carries many."""
GRACE_STEP_SECONDS = 0.25
RETRY_SECONDS = 0.5
ROOMS_SECONDS = 1.0
"""For a look-up that holds up the others: those who come need persistence as well."""


class PresenceWriter:
    """`run` must run, as a task of the owner's. Through an outage the wanted state is kept, and told afterwards."""

    def __init__(
        self,
        redis: RedisClient,
        incarnation: str,
        reader: PresenceReader,
        persistence: PersistenceClient,
        receipts: ReceiptSender,
        grace_seconds: float,
        rooms_of: Callable[[bytes], list[str]],
    ) -> None:
        self._redis = Batches(redis)
        self._incarnation = incarnation
        self._reader = reader
        self._persistence = persistence
        self._receipts = receipts
        self._roster = Roster(grace_seconds, rooms_of)
        self._news = asyncio.Event()
        self._waiting: dict[bytes, list[asyncio.Future[int | None]]] = {}

    def left_lately(self, user: User) -> bool:
        """They were here a moment ago."""
        return self._roster.left_lately(user.channel)

    def arrive(self, user: User, rooms: list[str]) -> "asyncio.Future[int | None]":
        """One more connection of this user. Gives which one of theirs in the fleet it is (1: the only one); None
        while Redis is away.

        `rooms` are those where presence is live. Whoever called this calls `entered` once the user is in them, and
        `depart` in the end, whatever comes of it.
        """
        self._roster.arrive(user.channel, rooms)
        self._news.set()
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user.channel, []).append(future)
        return future

    def come_back(self, user: User, rooms: list[str]) -> None:
        """One more connection of this user, who is in these rooms already."""
        self._roster.arrive(user.channel, rooms)
        self._roster.entered(user.channel)
        self._news.set()

    def entered(self, user: User) -> None:
        """The arrival is complete."""
        self._roster.entered(user.channel)

    def depart(self, user: User) -> None:
        """One connection less. Call it before the user's rooms are given up: they hear of it."""
        self._roster.depart(user.channel, monotonic(), now_ms())
        self._news.set()

    def tell_all_again(self) -> None:
        """Redis forgot, or others took this gateway for dead."""
        self._roster.tell_all_again()
        self._news.set()

    def tell_again(self, user: bytes) -> None:
        """Somebody said that this user is offline: whoever swept this gateway late, after it had told all again, or let
        the user go while they took it for dead, because its lease had lapsed with Redis."""
        if self._roster.tell_again(user):
            self._news.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(GRACE_STEP_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                self._roster.expire(monotonic())
            self._news.clear()
            await asyncio.sleep(GATHER_SECONDS if await self.flush() else RETRY_SECONDS)

    async def flush(self) -> bool:
        """Tells Redis what is wanted by now; False where it could not be told, and is kept."""
        left = self._roster.untold
        # Another flush may take some of them meanwhile: at the end of a drain both run.
        while taken := self._roster.take(min(left, AT_ONCE)):
            left -= len(taken)
            try:
                totals = await self._tell(await self._in_rooms_of_now([held for _, held in taken]))
            except REDIS_FAILURES as error:
                log.warning("presence not written yet", error=f"{type(error).__name__}: {error}", users=len(taken))
                self._roster.give_back(taken)
                self._answer(taken, [None] * len(taken))
                return False
            self._roster.told(taken)
            self._answer(taken, totals)
        return True

    async def _in_rooms_of_now(self, taken: list[Held]) -> list[Held]:
        """Conversations that were made since somebody left are to hear of it too. While persistence is away those of
        then hear it, and nobody hears when it was: it may be a secret."""
        gone = [held.user_id for held in taken if held.connections is None]
        if not gone:
            return taken
        try:
            async with asyncio.timeout(ROOMS_SECONDS):
                peers = await self._persistence.peers(gone)
        except (PersistenceAway, TimeoutError):
            return [held._replace(is_discreet=held.connections is None) for held in taken]
        return [_as_now(held, peers) if held.connections is None else held for held in taken]

    async def _tell(self, taken: list[Held]) -> list[int]:
        live, epoch = {*await self._reader.live(), self._incarnation}, self._reader.epoch
        kept = [held.user_id for held in taken if held.connections is not None]
        dropped = [held.user_id for held in taken if held.connections is None]
        holders = self._redis.named(keys.holders(self._incarnation))
        # Who is held is listed first and unlisted last: whoever sweeps after our death must find everyone.
        commands: list[Command] = [("SADD", holders, *kept)] if kept else []
        commands += [hold(self._redis.named, self._incarnation, held, live, epoch) for held in taken]
        if dropped:
            commands.append(("SREM", holders, *dropped))
        answers = successes(await self._redis.send(commands))
        first = 1 if kept else 0
        return [int(total) for total in answers[first : first + len(taken)]]

    def _answer(self, taken: list[tuple[bytes, Held]], totals: Sequence[int | None]) -> None:
        for (user, held), total in zip(taken, totals, strict=True):
            if held.connections is None and total == 0:
                self._receipts.saw(held.user_id, held.at_ms)
            # Of several that came at once the first is the lowest: a limit turns away only those above it.
            for behind, future in enumerate(reversed(self._waiting.pop(user, []))):
                if not future.done():
                    future.set_result(None if total is None else total - behind)


def _as_now(held: Held, peers: PeersAnswer) -> Held:
    rooms = _those_to_tell(held, peers.rooms.get(held.user_id, []))
    return held._replace(rooms=rooms, is_discreet=held.user_id in (peers.discreet or ()))


def _those_to_tell(held: Held, rooms: list[str]) -> list[str]:
    """Those of now; where these are not all, also those that were told of the arrival: else they hear no end of it."""
    return rooms if len(rooms) < LIVE_PRESENCE_ROOMS else list({*rooms, *held.rooms})
