"""GET /messages/subscribe: who may come in, and a session from its upgrade to its end."""

import asyncio
from uuid import uuid4

import structlog
from aiohttp import web

from gateway.bus import NotSubscribed
from gateway.lookups import Starter
from gateway.membership.arrival import Arrival
from gateway.membership.entry import Banned, Entry, Revoked, TooManyConnections
from gateway.membership.memberships import BANNED
from gateway.persistence_client import PersistenceAway
from gateway.session.admission import Admission
from gateway.session.callers import counted_key
from gateway.session.frame_handler import FrameHandler
from gateway.session.grouping import Grouping
from gateway.session.handshake import Handshake, read_handshake
from gateway.session.lifetimes import Lifetimes, ids
from gateway.session.rejection import Rejection, overloaded, reject
from gateway.state.session import Session
from gateway.websocket.codes import CloseCode
from gateway.websocket.connection import Connection
from gateway.websocket.limits import Limits
from gateway.websocket.upgrade import take_over
from shared import frames
from shared.auth import Identity
from shared.http.errors import unavailable
from shared.settings import Settings

log = structlog.get_logger()

RECONNECT_JITTER_MS = 5000
"""Over how long clients spread their reconnects by themselves, after a cut that gave no other hint."""

FULL_RETRY_AFTER_MS = 15_000
"""For who has too many living sockets: a person has to close one."""


class Acceptor:
    """Lets clients in and knows all who are in. It listens to every session, and passes their frames on."""

    def __init__(
        self,
        settings: Settings,
        entry: Entry,
        frame_handler: FrameHandler,
        admission: Admission,
        lifetimes: Lifetimes,
        limits: Limits,
        tasks: Starter,
    ) -> None:
        self._settings = settings
        self._entry = entry
        self._frames = frame_handler
        self._admission = admission
        self._lifetimes = lifetimes
        self._limits = limits
        self._tasks = tasks
        is_on = settings.legacy_sockets == "newest"
        self._grouping = Grouping(is_on=is_on, trusted_proxies=settings.trusted_proxies)
        self._arriving = 0
        self._settling: dict[Session, Arrival] = {}  # told `connected`, and not yet in all their rooms
        self.count = 0
        self.empty = asyncio.Event()
        self.empty.set()
        self.is_open = True

    def sessions(self) -> list[Session]:
        """All who were told `connected`."""
        return [*self._entry.sessions(), *self._settling]

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        """The raw route. Raises ApiError 503 for a client that is to try another gateway, or later."""
        handshake = read_handshake(request, counted_key(request))
        self._check_open()
        try:
            identity = await self._admission.identify(request, handshake.token)
            self._admission.check_place(self.count + self._arriving)
            return await self._welcome(request, handshake, identity)
        except Rejection as rejection:
            self._admission.count_failure(rejection.code)
            return reject(request, handshake, rejection, self._limits)

    def _check_open(self) -> None:
        if not self.is_open:
            self._admission.count_failure("draining")
            raise unavailable("this gateway is draining: connect again")
        self._admission.check_rate()

    async def _welcome(self, request: web.Request, handshake: Handshake, identity: Identity) -> web.StreamResponse:
        user = self._entry.open_user(identity)
        group = self._grouping.group_of(request, handshake, identity)
        session = Session.of(uuid4().bytes, user, identity, self, acks=handshake.acks, group=group)
        arrival = self._entry.begin(session)
        self._arriving += 1
        try:
            await self._arrive(arrival)
            return self._complete(request, handshake, arrival)
        finally:
            self._arriving -= 1
            if not session.is_attached:
                self._entry.abandon(arrival)

    async def _arrive(self, arrival: Arrival) -> None:
        try:
            await self._entry.arrive(arrival)
            if self._admission.is_revoked(arrival.session.session_id):  # while it arrived
                raise Revoked
        except Revoked:
            raise Rejection(CloseCode.SESSION_REVOKED, "session_revoked", "This session was revoked") from None
        except Banned as banned:
            why = {"reason": banned.banning.reason, "until": banned.banning.until}
            raise Rejection(CloseCode.USER_BANNED, "banned", BANNED, **why) from None
        except TooManyConnections:
            message = "This user has too many connections"
            raise Rejection(
                CloseCode.TOO_MANY_CONNECTIONS, "too_many_connections", message, retryAfterMs=FULL_RETRY_AFTER_MS
            ) from None
        except (PersistenceAway, NotSubscribed, TimeoutError) as error:
            log.warning("connect failed", error=f"{type(error).__name__}: {error}", **ids(arrival.session))
            raise overloaded("A part of the service is away: connect again") from error
        if not self.is_open:
            raise overloaded("This gateway is draining: connect again")

    def _complete(self, request: web.Request, handshake: Handshake, arrival: Arrival) -> web.StreamResponse:
        """From the heads to the first frame nothing is awaited: what the rooms forward after them is held, or sent."""
        session = arrival.session
        heads = self._entry.settle(arrival)

        def make() -> Connection:
            connection = Connection(session, self._limits)
            session.attach(connection)
            return connection

        response = take_over(request, handshake.key, make, subprotocol=handshake.subprotocol)
        if session.is_attached:
            session.send(self._connected(arrival, heads))
            self.count += 1
            self.empty.clear()
            self._entry.release(arrival)
            self._lifetimes.watch(session, rooms=len(arrival.rooms), is_return=arrival.is_return)
            if arrival.is_settled:
                self._begin(arrival)
            else:
                self._settling[session] = arrival
                self._tasks.start(self._settle_rest(arrival), name="settle many rooms")
        return response

    async def _settle_rest(self, arrival: Arrival) -> None:
        """The rooms behind the newest, a slice a turn. Race: the socket may end between two, and is abandoned then;
        and the database may have been restored, so that the heads of the others mean nothing."""
        session = arrival.session
        while not arrival.is_settled:
            await asyncio.sleep(0)
            if session not in self._settling:
                return
            if self._entry.is_outdated(arrival):
                session.connection.close(CloseCode.RESTARTING, "reconnect")
                return
            heads = self._entry.settle(arrival)
            session.send_when_drained(frames.more_heads(heads=heads, last=arrival.is_settled))
            self._entry.release(arrival)
        del self._settling[session]
        self._begin(arrival)

    def _begin(self, arrival: Arrival) -> None:
        session = arrival.session
        self._entry.complete(arrival)
        self._lifetimes.arrived(session, has_others=arrival.has_others or len(session.user.sessions) > 1)
        session.begin()

    def _connected(self, arrival: Arrival, heads: dict[str, int]) -> bytes:
        session = arrival.session
        return frames.connected(
            user_id=session.user.user_id,
            connection_id=session.connection_id,
            conversation_ids=list(heads),
            heads=heads,
            epoch=arrival.epoch,
            heartbeat_seconds=self._settings.heartbeat_seconds,
            reconnect_jitter_ms=RECONNECT_JITTER_MS,
            max_frame_bytes=self._limits.message_bytes,
            conversation_count=arrival.listed,
            last=arrival.is_settled,
        )

    # --- what happens on a session's socket (SessionListener) -------------------------------------------------------

    def on_frame(self, session: Session, data: bytes) -> None:
        self._frames.on_frame(session, data)

    def on_binary(self, session: Session) -> None:
        self._frames.on_binary(session)

    def on_excess(self, session: Session, data: bytes) -> None:
        self._frames.on_excess(session, data)

    def on_heard(self, session: Session) -> None:
        self._frames.on_heard(session)

    def on_closed(self, session: Session, code: int) -> None:
        self.count -= 1
        if not self.count:
            self.empty.set()
        self._lifetimes.forget(session)
        arrival = self._settling.pop(session, None)
        if arrival is None:
            self._lifetimes.ended(session)
            self._entry.leave(session)
        else:
            self._entry.abandon(arrival)
        self._lifetimes.note_closed(session, code)
