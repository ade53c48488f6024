"""What operators ask: a user's sockets closed, a user banned, a sign-in revoked; and what gateways ask of that."""

import time
from collections.abc import Callable

from persistence.database.pool import Pool
from persistence.internal.question import question
from persistence.log.delivery import Delivery
from persistence.log.publisher import Envelope
from persistence.users import envelopes
from persistence.users import revocations as refusals
from persistence.users.refusals import Refusals
from shared import operator_api as operators
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import malformed
from shared.ids import LONGEST_SESSION_ID, canonical_id, is_session_id
from shared.presence import PresenceReader


class Operators:
    """The handlers. All raise ApiError 400 for what is no user's or session's id."""

    def __init__(self, pool: Pool, delivery: Delivery, presence: PresenceReader, known: Refusals) -> None:
        self._pool = pool
        self._delivery = delivery
        self._presence = presence
        self._known = known

    async def kick(self, call: Call[operators.KickRequest, Nothing]) -> operators.KickAnswer:
        user_id = _user_id(call.body.user_id)
        online = user_id in await self._presence.online([user_id])
        return operators.KickAnswer(online=online, told=await self._tell(envelopes.kicked, user_id))

    async def ban(self, call: Call[operators.BanRequest, Nothing]) -> operators.BanAnswer:
        user_id, banned = _user_id(call.body.user_id), not call.body.lift
        changed = await refusals.ban(self._pool, user_id, banned=banned)
        await self._known.refresh()
        # Told again also where nothing changed: the word of the first time may have been lost.
        told = await self._tell(envelopes.banned, user_id) if banned else True
        return operators.BanAnswer(changed=changed, told=told)

    async def revoke(self, call: Call[operators.RevokeRequest, Nothing]) -> operators.RevokeAnswer:
        session_id, seconds = call.body.session_id, call.body.seconds
        if not is_session_id(session_id):
            raise malformed("sessionId", f"expected 1 to {LONGEST_SESSION_ID} characters without controls")
        if not 0 < seconds <= operators.LONGEST_REVOCATION_SECONDS:
            raise malformed("seconds", f"expected at most {operators.LONGEST_REVOCATION_SECONDS:.0f}")
        await refusals.revoke(self._pool, session_id, seconds)
        await self._known.refresh()
        return operators.RevokeAnswer(told=await self._tell(envelopes.revoked, session_id, time.time() + seconds))

    async def revocations(self, call: Call[operators.RevocationsRequest, Nothing]) -> operators.RevocationsAnswer:
        mark, changed = await refusals.since(self._pool, max(0, call.body.since))
        sessions = [one for one in changed if one.subject.startswith(refusals.SESSION)]
        return operators.RevocationsAnswer(
            mark=mark,
            revoked={one.subject.removeprefix(refusals.SESSION): one.expires_at or 0.0 for one in sessions},
        )

    async def _tell(self, envelope: Callable[..., Envelope], *of: object) -> bool:
        """Whether Redis took the word."""
        return await self._delivery.publish([envelope(*of, epoch=self._delivery.epoch)])


def _user_id(given: str) -> str:
    known = canonical_id(given)
    if known is None:
        raise malformed("userId", "expected a UUID")
    return known


def endpoints(pool: Pool, delivery: Delivery, presence: PresenceReader, known: Refusals) -> list[Endpoint]:
    handlers = Operators(pool, delivery, presence, known)
    return [
        question(operators.KICK, handlers.kick, operators.KickRequest, operators.KickAnswer),
        question(operators.BAN, handlers.ban, operators.BanRequest, operators.BanAnswer),
        question(operators.REVOKE, handlers.revoke, operators.RevokeRequest, operators.RevokeAnswer),
        question(
            operators.REVOCATIONS,
            handlers.revocations,
            operators.RevocationsRequest,
            operators.RevocationsAnswer,
        ),
    ]
