"""`/api/search`: one's own messages, found by their words."""

from persistence.database.pool import Pool
from persistence.search import store
from persistence.search.shapes import SearchAnswer, SearchQuery
from persistence.search.views import NotYours
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import forbidden

TOKENS = 10
"""A search reads up to 200,000 rows: a second of Postgres at most, 3 ms as a rule."""


def endpoints(pool: Pool) -> list[Endpoint]:
    async def search(call: Call[Nothing, SearchQuery]) -> SearchAnswer:
        found = await store.search(pool, call.user_id, call.query.wanted(), call.query.asked())
        if isinstance(found, NotYours):
            raise forbidden()
        following = None if found.next is None else found.next.to_cursor()
        return SearchAnswer(found.results, found.as_of_seq, following, found.complete)

    return [
        Endpoint(
            method="GET",
            path="/api/search",
            name="searchMessages",
            handler=search,
            summary="Find messages",
            description="In the caller's own conversations, of what they see there: the newest first. Words are"
            " compared as NFKC, casefolded, without marks, and match anywhere inside a word. Never found: what is"
            " deleted, hidden by the caller, or `opaque`. A message can be found a moment after it was sent. A search"
            f" is bounded, and costs {TOKENS} tokens: with `complete: false` ask on with `nextCursor`.",
            tag="messages",
            query=SearchQuery,
            cost=Cost(lambda _, __: TOKENS - 1, per=1),
            response=SearchAnswer,
            errors=(403,),
        )
    ]
