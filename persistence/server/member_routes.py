"""`/server/conversations/{id}/members`: who is in a group, as the app's own server says."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from persistence.database.pool import Pool
from persistence.groups import joins, leaves
from persistence.groups.answers import refusal
from persistence.groups.shapes import MOST_ADDED, AddedAnswer, NewMembers
from persistence.groups.telling import Telling
from persistence.groups.views import AsBefore, By, Refused
from persistence.messages.views import NoSuchConversation
from persistence.rules import Rules
from persistence.server import rooms
from persistence.server.room_routes import PATH, SCOPE, TAG
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import not_found
from shared.http.fields import Id

_People = Annotated[list[Id], Meta(max_length=MOST_ADDED)]

MEMBERS = f"{PATH}/{{id}}/members"


class MembersChange(msgspec.Struct, rename="camel"):
    """First who comes in, then who goes. `history`: what those see who were never in the group."""

    add: _People = []
    remove: _People = []
    history: Literal["none", "all"] | None = None


class MembersChanged(msgspec.Struct):
    """Who was not in the group before, and who is out now."""

    added: list[str]
    removed: list[str]
    success: bool = True


class Members:
    """The handlers. No role counts: the app's own server may what an owner may."""

    def __init__(self, pool: Pool, telling: Telling, rules: Rules) -> None:
        self._pool = pool
        self._telling = telling
        self._by = By(rules.system_user_id, is_server=True)

    async def put(self, call: Call[MembersChange, Nothing]) -> MembersChanged:
        given, conversation_id = call.body, call.ids["id"]
        await self._known(conversation_id)
        people = sorted({one.lower() for one in given.add})
        added = await self._add(conversation_id, people, with_history=given.history == "all") if people else []
        leaving = sorted({one.lower() for one in given.remove})
        removed = [one for one in leaving if await self._remove(conversation_id, one)]
        return MembersChanged(added, removed)

    async def add(self, call: Call[NewMembers, Nothing]) -> AddedAnswer:
        await self._known(call.ids["id"])
        history = call.body.history == "all"
        return AddedAnswer(await self._add(call.ids["id"], call.body.people(), with_history=history))

    async def remove(self, call: Call[Nothing, Nothing]) -> Success:
        await self._known(call.ids["id"])
        await self._remove(call.ids["id"], call.ids["user"])
        return Success()

    async def _add(self, conversation_id: str, people: list[str], *, with_history: bool) -> list[str]:
        found = await joins.add(self._pool, conversation_id, self._by, people, with_history=with_history)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        return found.ids

    async def _remove(self, conversation_id: str, user_id: str) -> bool:
        """Whether they were in it until now."""
        found = await leaves.remove(self._pool, conversation_id, self._by, user_id)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        return not isinstance(found, AsBefore)

    async def _known(self, conversation_id: str) -> None:
        if isinstance(await rooms.read(self._pool, conversation_id), NoSuchConversation):
            raise not_found("there is no such conversation")


def endpoints(pool: Pool, telling: Telling, rules: Rules) -> list[Endpoint]:
    handlers = Members(pool, telling, rules)
    return [*_of_all(handlers), *_of_some(handlers)]


def _of_all(handlers: Members) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=MEMBERS,
            name="changeMembersAsServer",
            handler=handlers.put,
            summary="Say who comes into a group, and who goes",
            description="409 `not_a_group` for a conversation of two, 409 `limit` past 1,000 members. Repeatable.",
            tag=TAG,
            scope=SCOPE,
            body=MembersChange,
            cost=Cost(lambda body, _: len(body.add) + len(body.remove)),
            response=MembersChanged,
            errors=(404, 409),
        ),
    ]


def _of_some(handlers: Members) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=MEMBERS,
            name="addMembersAsServer",
            handler=handlers.add,
            summary="Add people to a group",
            tag=TAG,
            scope=SCOPE,
            body=NewMembers,
            cost=Cost(lambda body, _: len(body.user_ids)),
            response=AddedAnswer,
            errors=(404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=f"{MEMBERS}/{{user}}",
            name="removeMemberAsServer",
            handler=handlers.remove,
            summary="Take somebody out of a group",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=Success,
            errors=(404, 409),
        ),
    ]
