"""`/api/conversations/{id}` and its members: changing what a group is, and who is in it as what."""

from persistence.conversations import store as conversations
from persistence.conversations.shapes import ConversationAnswer
from persistence.database.pool import Pool
from persistence.groups import appointments, changes, joins, leaves
from persistence.groups.answers import refusal
from persistence.groups.shapes import MOST_ADDED, AddedAnswer, GroupChange, NewMembers, RoleChange
from persistence.groups.telling import Telling
from persistence.groups.views import By, Refused
from persistence.quotas import Quotas
from persistence.users.people import strangers
from shared.http.address import base_url
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import forbidden

TAG = "groups"
PATH = "/api/conversations/{id}"


class Groups:
    """The handlers."""

    def __init__(self, pool: Pool, telling: Telling, quotas: Quotas, public_url: str | None) -> None:
        self._pool = pool
        self._telling = telling
        self._quotas = quotas
        self._public_url = public_url

    async def change(self, call: Call[GroupChange, Nothing]) -> ConversationAnswer:
        wanted, conversation_id = call.body.wanted(self._public_url or base_url(call.request)), call.ids["id"]
        found = await changes.change(self._pool, conversation_id, By(call.user_id), wanted)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        view = await conversations.read(self._pool, call.user_id, conversation_id)
        if view is None:
            raise forbidden()
        return ConversationAnswer(view)

    async def add(self, call: Call[NewMembers, Nothing]) -> AddedAnswer:
        people = call.body.people()
        await self._quotas.name(call.user_id, strangers=await strangers(self._pool, people))
        by, with_history = By(call.user_id), call.body.history == "all"
        found = await joins.add(self._pool, call.ids["id"], by, people, with_history=with_history)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        return AddedAnswer(found.ids)

    async def appoint(self, call: Call[RoleChange, Nothing]) -> Success:
        place = call.ids["id"], By(call.user_id), call.ids["user"]
        found = await appointments.appoint(self._pool, *place, call.body.role)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        return Success()

    async def remove(self, call: Call[Nothing, Nothing]) -> Success:
        place = call.ids["id"], By(call.user_id), call.ids["user"]
        found = await leaves.remove(self._pool, *place)
        if isinstance(found, Refused):
            raise refusal(found)
        await self._telling.tell(found)
        return Success()


def endpoints(pool: Pool, telling: Telling, quotas: Quotas, public_url: str | None = None) -> list[Endpoint]:
    handlers = Groups(pool, telling, quotas, public_url)
    return [*_of_the_group(handlers), *_of_one_member(handlers)]


def _of_the_group(handlers: Groups) -> list[Endpoint]:
    return [
        Endpoint(
            method="PATCH",
            path=PATH,
            name="updateConversation",
            handler=handlers.change,
            summary="Change what a group is called, and how it is set",
            description="Name, description and avatar by whom `settings.edit` allows, `settings` by admins and owners;"
            " else 403 `not_allowed`. Of `settings` those named change, an unknown one is 400. 404 for an avatar that"
            " is no ready file of the caller's. 409 `not_a_group` for a conversation of two.",
            tag=TAG,
            body=GroupChange,
            cost=FLAT,
            response=ConversationAnswer,
            errors=(403, 404, 409),
        ),
        Endpoint(
            method="POST",
            path=f"{PATH}/members",
            name="addMembers",
            handler=handlers.add,
            summary="Add people to a group",
            description="By whom `settings.add` allows; `history: all`, which shows them what was said before, by"
            " admins and owners: else 403 `not_allowed`. Who is in already is left out of the answer, and so is whom a"
            f" block keeps apart from the caller. At most {MOST_ADDED} in a call, and {joins.MOST_MEMBERS:,} members"
            " in all: else 409 `limit`, and nobody came in. 429 also for too many people named who were never seen.",
            tag=TAG,
            body=NewMembers,
            cost=Cost(lambda body, _: len(body.user_ids), per=10),
            response=AddedAnswer,
            errors=(403, 409),
        ),
    ]


def _of_one_member(handlers: Groups) -> list[Endpoint]:
    return [
        Endpoint(
            method="PATCH",
            path=f"{PATH}/members/{{user}}",
            name="setMemberRole",
            handler=handlers.appoint,
            summary="Say who is what in a group",
            description="By its owners alone, else 403 `not_allowed`. 409 `last_owner` where nobody else owns it, 404"
            " for who is not in it. Repeatable.",
            tag=TAG,
            body=RoleChange,
            cost=FLAT,
            response=Success,
            errors=(403, 404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=f"{PATH}/members/{{user}}",
            name="removeMember",
            handler=handlers.remove,
            summary="Leave a group, or take somebody out of it",
            description="Admins take out members, owners anybody: else 403 `not_allowed`. When the last owner leaves,"
            " who stands longest among the admins, else among the members, owns the group. Repeatable, also by who has"
            " left.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(403, 409),
        ),
    ]
