"""`/api/me` and `/api/people`: how the caller is shown, and whom they know."""

from persistence.database.pool import Pool
from persistence.profiles import store
from persistence.profiles.changes import ProfileChanges
from persistence.profiles.shapes import MOST_PEOPLE, MeAnswer, PeopleAnswer, PeopleQuery, ProfileEdit
from shared.http.address import base_url
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import not_found

TAG = "account"
_SEARCH_TOKENS = Cost(lambda _body, _query: 2, per=1)
"""Some thousands of people may be looked at."""


class Profiles:
    """The handlers."""

    def __init__(self, pool: Pool, changes: ProfileChanges, wear: store.Wear, public_url: str | None) -> None:
        self._pool = pool
        self._wear = wear
        self._public_url = public_url
        self._changes = changes

    async def read(self, call: Call[Nothing, Nothing]) -> MeAnswer:
        return MeAnswer(await store.read(self._pool, call.user_id))

    async def change(self, call: Call[ProfileEdit, Nothing]) -> MeAnswer:
        wanted = call.body.change(self._public_url or base_url(call.request))
        changed = await store.change(self._pool, call.user_id, wanted, self._wear)
        if isinstance(changed, store.NoSuchPicture):
            raise not_found("the avatar is no file of yours that is ready, announced as an avatar")
        if changed.is_news:
            self._changes.note(call.user_id)
        return MeAnswer(changed.user)

    async def people(self, call: Call[Nothing, PeopleQuery]) -> PeopleAnswer:
        containing = call.query.q.strip() if isinstance(call.query.q, str) else None
        limit = min(call.query.limit, MOST_PEOPLE)
        return PeopleAnswer(await store.people(self._pool, call.user_id, containing=containing, limit=limit))


def endpoints(pool: Pool, changes: ProfileChanges, wear: store.Wear, public_url: str | None) -> list[Endpoint]:
    handlers = Profiles(pool, changes, wear, public_url)
    return [
        Endpoint(
            method="GET",
            path="/api/me",
            name="getMe",
            handler=handlers.read,
            summary="How the caller is shown to others",
            tag=TAG,
            cost=FLAT,
            response=MeAnswer,
        ),
        Endpoint(
            method="PATCH",
            path="/api/me",
            name="editMe",
            handler=handlers.change,
            summary="Choose how one is shown to others",
            description="What is chosen here counts from then on, whatever the token says. `user.changed` tells one's"
            " own devices and who shares a conversation of up to 50 people, within a second and once for many changes.",
            tag=TAG,
            body=ProfileEdit,
            cost=FLAT,
            response=MeAnswer,
            errors=(404,),
        ),
        Endpoint(
            method="GET",
            path="/api/people",
            name="listPeople",
            handler=handlers.people,
            summary="Find people with whom the caller shares a conversation",
            description="Those met lately first. Of somebody in very many or very large conversations the newest ones"
            " are looked at.",
            tag=TAG,
            query=PeopleQuery,
            cost=_SEARCH_TOKENS,
            response=PeopleAnswer,
        ),
    ]
