"""`/api/conversations/{id}/members`: who is in a conversation."""

from msgspec import UnsetType

from persistence.database.pool import Pool
from persistence.members import store as members
from persistence.members.shapes import MembersAnswer, MembersQuery
from persistence.members.views import NotAMember
from persistence.paging import MAX_PAGE
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import forbidden


def endpoints(pool: Pool) -> list[Endpoint]:
    async def page(call: Call[Nothing, MembersQuery]) -> MembersAnswer:
        query = call.query
        found = await members.page(
            pool,
            call.user_id,
            call.ids["id"],
            limit=min(query.limit, MAX_PAGE),
            after=None if isinstance(query.cursor, UnsetType) else query.cursor.lower(),
            containing=None if isinstance(query.q, UnsetType) else query.q.strip(),
            role=None if isinstance(query.role, UnsetType) else query.role,
        )
        if isinstance(found, NotAMember):
            raise forbidden()
        return MembersAnswer(found.members, found.next)

    return [
        Endpoint(
            method="GET",
            path="/api/conversations/{id}/members",
            name="listMembers",
            handler=page,
            summary="List the members of a conversation",
            description="All of them, page by page: a conversation's `participants` are only the first 50.",
            tag="conversations",
            query=MembersQuery,
            cost=FLAT,
            response=MembersAnswer,
            errors=(403,),
        )
    ]
