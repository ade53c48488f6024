"""`/server/users` and `/server/presence`."""

import asyncio
from collections.abc import Awaitable, Callable

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.server import people
from persistence.server.shapes import (
    ServerPresenceAnswer,
    UserAnswer,
    Users,
    UsersAnswer,
)
from persistence.server.views import ServerUser, Unread
from persistence.users import envelopes
from persistence.users import store as users
from persistence.users.presence_routes import PRESENCE_SECONDS, later
from persistence.users.shapes import PresenceQuery, PresenceView
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import not_found
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES

TAG = "users"
SCOPE = "users"
MAX_BODY_BYTES = 1024 * 1024
"""A hundred users with 4 KiB of data, as some write JSON."""


class People:
    """The handlers; `refresh` makes this process know at once whom it refuses."""

    def __init__(
        self, pool: Pool, delivery: Delivery, presence: PresenceReader, refresh: Callable[[], Awaitable[None]]
    ) -> None:
        self._pool = pool
        self._delivery = delivery
        self._presence = presence
        self._refresh = refresh

    async def put(self, call: Call[Users, Nothing]) -> UsersAnswer:
        return UsersAnswer(await people.upsert(self._pool, call.body.people()))

    async def one(self, call: Call[Nothing, Nothing]) -> UserAnswer:
        return UserAnswer(await self._known(call.ids["user"]))

    async def deactivate(self, call: Call[Nothing, Nothing]) -> UserAnswer:
        return await self._set_active(call, active=False)

    async def reactivate(self, call: Call[Nothing, Nothing]) -> UserAnswer:
        return await self._set_active(call, active=True)

    async def unread(self, call: Call[Nothing, Nothing]) -> Unread:
        await self._known(call.ids["user"])
        return await people.unread(self._pool, call.ids["user"])

    async def presence(self, call: Call[Nothing, PresenceQuery]) -> ServerPresenceAnswer:
        asked = list(dict.fromkeys(one.strip().lower() for one in call.query.user_ids.split(",") if one.strip()))
        try:
            async with asyncio.timeout(PRESENCE_SECONDS):
                online, left_at = await self._presence.online(asked), await self._presence.left_at(asked)
        except REDIS_FAILURES:
            return ServerPresenceAnswer([], unknown=asked)
        last_seen = await users.last_seen(self._pool, asked)
        views = [PresenceView(one, one in online, later(last_seen.get(one), left_at.get(one))) for one in asked]
        return ServerPresenceAnswer(views, unknown=[])

    async def _set_active(self, call: Call[Nothing, Nothing], *, active: bool) -> UserAnswer:
        user_id = call.ids["user"]
        await self._known(user_id)
        await people.set_active(self._pool, call.actor, user_id, active=active, request_id=call.request_id)
        await self._refresh()
        if not active:  # told again also where nothing changed: the word of the first time may have been lost
            await self._delivery.publish([envelopes.banned(user_id, epoch=self._delivery.epoch)])
        return UserAnswer(await self._known(user_id))

    async def _known(self, user_id: str) -> ServerUser:
        found = await people.read(self._pool, [user_id])
        if not found:
            raise not_found("there is no such user")
        return found[0]


def endpoints(
    pool: Pool, delivery: Delivery, presence: PresenceReader, refresh: Callable[[], Awaitable[None]]
) -> list[Endpoint]:
    handlers = People(pool, delivery, presence, refresh)
    return [*_of_profiles(handlers), *_of_standing(handlers), *_of_now(handlers)]


def _of_profiles(handlers: People) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path="/server/users",
            name="putUsers",
            handler=handlers.put,
            summary="Make or change users",
            description="Up to 100. Who is unknown becomes a user; what is left out stays as it is. With"
            " `HANDLE_SOURCE=server` no token renames them.",
            tag=TAG,
            scope=SCOPE,
            body=Users,
            max_body_bytes=MAX_BODY_BYTES,
            cost=Cost(lambda body, _: len(body.users)),
            response=UsersAnswer,
        ),
        Endpoint(
            method="GET",
            path="/server/users/{user}",
            name="getUser",
            handler=handlers.one,
            summary="A user",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=UserAnswer,
            errors=(404,),
        ),
    ]


def _of_standing(handlers: People) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path="/server/users/{user}/deactivate",
            name="deactivateUser",
            handler=handlers.deactivate,
            summary="Refuse a user",
            description="Their sockets close, their tokens are refused, nothing is pushed to them. What they wrote"
            " stays, and so do they in their conversations. A ban is apart from this.",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=UserAnswer,
            errors=(404,),
        ),
        Endpoint(
            method="POST",
            path="/server/users/{user}/reactivate",
            name="reactivateUser",
            handler=handlers.reactivate,
            summary="Refuse a user no longer",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=UserAnswer,
            errors=(404,),
        ),
    ]


def _of_now(handlers: People) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/server/users/{user}/unread",
            name="getUnread",
            handler=handlers.unread,
            summary="What a user has not read",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=Unread,
            errors=(404,),
        ),
        Endpoint(
            method="GET",
            path="/server/presence",
            name="getUsersPresence",
            handler=handlers.presence,
            summary="Who is online",
            tag=TAG,
            scope=SCOPE,
            query=PresenceQuery,
            cost=Cost(lambda _, query: query.user_ids.count(",") - 49, per=50),
            response=ServerPresenceAnswer,
        ),
    ]
