"""`/moderation`: what moderators do to messages and people without an item of the queue."""

from typing import Any

from persistence.database.pool import Pool
from persistence.moderation import commands
from persistence.moderation.acts import Nobody, Order
from persistence.moderation.shapes import NewBan, NewMute, ReasonQuery
from persistence.moderation.telling import Teller
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import no_such_message, not_found

TAG = "moderation"
MESSAGE = "/moderation/messages/{message}"
BAN = "/moderation/users/{user}/ban"
MUTE = "/moderation/conversations/{id}/mutes/{user}"
REMOVED = "removed by a moderator"
"""What the author is told where no reason is given."""


class Moderation:
    """The handlers."""

    def __init__(self, pool: Pool, teller: Teller) -> None:
        self._pool = pool
        self._teller = teller

    async def delete(self, call: Call[Nothing, ReasonQuery]) -> Success:
        reason = call.query.reason.strip() if isinstance(call.query.reason, str) else ""
        done = await commands.delete(self._pool, _order(call, reason or REMOVED), call.ids["message"])
        if isinstance(done, Nobody):
            raise no_such_message()
        await self._teller.tell(done)
        return Success()

    async def ban(self, call: Call[NewBan, Nothing]) -> Success:
        order = _order(call, call.body.reason)
        await self._teller.tell(await commands.ban(self._pool, order, call.ids["user"], call.body.until))
        return Success()

    async def unban(self, call: Call[Nothing, Nothing]) -> Success:
        await commands.unban(self._pool, _order(call, ""), call.ids["user"])
        await self._teller.lifted()
        return Success()

    async def mute(self, call: Call[NewMute, Nothing]) -> Success:
        order, until = _order(call, call.body.reason), call.body.until
        done = await commands.mute(self._pool, order, call.ids["user"], call.ids["id"], until)
        if isinstance(done, Nobody):
            raise not_found("this user is not in this conversation")
        await self._teller.tell(done)
        return Success()

    async def unmute(self, call: Call[Nothing, Nothing]) -> Success:
        await commands.unmute(self._pool, _order(call, ""), call.ids["user"], call.ids["id"])
        return Success()


def _order(call: Call[Any, Any], reason: str) -> Order:
    return Order(call.actor, reason.strip(), call.request_id)


def endpoints(pool: Pool, teller: Teller) -> list[Endpoint]:
    handlers = Moderation(pool, teller)
    return [*_of_messages(handlers), *_of_bans(handlers), *_of_silence(handlers)]


def _of_messages(handlers: Moderation) -> list[Endpoint]:
    return [
        Endpoint(
            method="DELETE",
            path=MESSAGE,
            name="moderateMessage",
            handler=handlers.delete,
            summary="Delete a message for all, as a moderator",
            description="As its author's deletion, `by: moderator`. The author is told why. Repeatable.",
            tag=TAG,
            role="moderator",
            query=ReasonQuery,
            cost=FLAT,
            response=Success,
            errors=(403, 404),
        ),
    ]


def _of_bans(handlers: Moderation) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=BAN,
            name="banUser",
            handler=handlers.ban,
            summary="Ban a user, for a while or for ever",
            description="Their sockets close with 4502, after an `error` with the reason; their requests get 403.",
            tag=TAG,
            role="moderator",
            body=NewBan,
            cost=FLAT,
            response=Success,
            errors=(403,),
        ),
        Endpoint(
            method="DELETE",
            path=BAN,
            name="unbanUser",
            handler=handlers.unban,
            summary="Lift a ban",
            tag=TAG,
            role="moderator",
            cost=FLAT,
            response=Success,
            errors=(403,),
        ),
    ]


def _of_silence(handlers: Moderation) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=MUTE,
            name="silenceUser",
            handler=handlers.mute,
            summary="Let somebody say nothing in a conversation, until then",
            description="Their sends, edits, reactions and pins get 403 `muted` with `until`.",
            tag=TAG,
            role="moderator",
            body=NewMute,
            cost=FLAT,
            response=Success,
            errors=(403, 404),
        ),
        Endpoint(
            method="DELETE",
            path=MUTE,
            name="unsilenceUser",
            handler=handlers.unmute,
            summary="Let somebody speak again",
            tag=TAG,
            role="moderator",
            cost=FLAT,
            response=Success,
            errors=(403,),
        ),
    ]
