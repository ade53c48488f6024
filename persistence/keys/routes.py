"""`/server/keys`: the keys of the app's own server."""

from collections.abc import Awaitable, Callable

from persistence.database.pool import Pool
from persistence.keys import store as keys
from persistence.keys.shapes import KeyAnswer, KeysAnswer, NewKey
from persistence.keys.views import TooManyKeys
from persistence.staff.gate import missing_scope
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import at_limit, not_found

TAG = "keys"


class Keys:
    """The handlers; `refresh` makes this process know a change at once, the others learn of it within a second."""

    def __init__(self, pool: Pool, refresh: Callable[[], Awaitable[None]]) -> None:
        self._pool = pool
        self._refresh = refresh

    async def everyone(self, _: Call[Nothing, Nothing]) -> KeysAnswer:
        return KeysAnswer(await keys.everyone(self._pool))

    async def create(self, call: Call[NewKey, Nothing]) -> KeyAnswer:
        given = call.body
        for scope in given.scopes:
            if not call.may(scope):  # else whoever has a key for keys has every other
                raise missing_scope(scope)
        made = await keys.create(self._pool, call.actor, given.line(), given.scopes, given.expires_at)
        if isinstance(made, TooManyKeys):
            raise at_limit(f"{made.most} keys that live: revoke one")
        await self._refresh()
        return KeyAnswer(made.key, made.text)

    async def revoke(self, call: Call[Nothing, Nothing]) -> Success:
        if not await keys.revoke(self._pool, call.actor, call.ids["id"]):
            raise not_found("there is no such key that lives")
        await self._refresh()
        return Success()


def endpoints(pool: Pool, refresh: Callable[[], Awaitable[None]]) -> list[Endpoint]:
    handlers = Keys(pool, refresh)
    return [*_reading(handlers), *_changing(handlers)]


def _reading(handlers: Keys) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/server/keys",
            name="listKeys",
            handler=handlers.everyone,
            summary="List the server keys",
            tag=TAG,
            scope="keys",
            admins=True,
            cost=Cost(),
            response=KeysAnswer,
            errors=(403,),
        ),
    ]


def _changing(handlers: Keys) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path="/server/keys",
            name="createKey",
            handler=handlers.create,
            summary="Make a server key",
            description="A key gives no more than it has; an admin gives what they like. Two keys that live at a time"
            " make a rotation: give the new one to your server, then revoke the old one.",
            tag=TAG,
            scope="keys",
            admins=True,
            body=NewKey,
            cost=FLAT,
            response=KeyAnswer,
            statuses=(201,),
            errors=(403, 409),
        ),
        Endpoint(
            method="DELETE",
            path="/server/keys/{id}",
            name="revokeKey",
            handler=handlers.revoke,
            summary="Revoke a server key",
            description="Within a second no process takes it any more.",
            tag=TAG,
            scope="keys",
            admins=True,
            cost=FLAT,
            response=Success,
            errors=(403, 404),
        ),
    ]
