"""`/api/conversations/{id}/messages/{message}/reactions`."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.messages.answers import told
from persistence.messages.views import Reaction
from persistence.paging import MAX_PAGE, PageSize
from persistence.reactions import store
from persistence.reactions.emoji import EMOJI
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.fields import EMOJI_CURSOR_PATTERN, NO_NUL_PATTERN

TAG = "messages"
PATH = "/api/conversations/{id}/messages/{message}/reactions"


class ReactionAnswer(msgspec.Struct):
    """How the emoji stands below the message, and the `rev` of that."""

    reaction: Reaction
    rev: int


class ReactionsQuery(msgspec.Struct):
    emoji: (
        Annotated[str, Meta(pattern=NO_NUL_PATTERN, max_length=32, description="only those who react with this one")]
        | UnsetType
    ) = UNSET
    limit: PageSize = 50
    cursor: (
        Annotated[str, Meta(pattern=EMOJI_CURSOR_PATTERN, description="nextCursor of the page before")] | UnsetType
    ) = UNSET


class ReactionsAnswer(msgspec.Struct, rename="camel"):
    """By emoji, then by user; `nextCursor` is null at the end."""

    reactions: list[store.One]
    next_cursor: str | None


class Reactions:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery

    async def add(self, call: Call[Nothing, Nothing]) -> ReactionAnswer:
        return await self._set(call, on=True)

    async def remove(self, call: Call[Nothing, Nothing]) -> ReactionAnswer:
        return await self._set(call, on=False)

    async def _set(self, call: Call[Nothing, Nothing], *, on: bool) -> ReactionAnswer:
        ids = call.ids
        found = await store.react(self._pool, ids["id"], call.user_id, ids["message"], ids["emoji"], on=on)
        reacted = told(found, store.Reacted)
        if reacted.logged is not None:
            self._delivery.logged([reacted.logged])
        return ReactionAnswer(reacted.reaction, reacted.rev)

    async def page(self, call: Call[Nothing, ReactionsQuery]) -> ReactionsAnswer:
        query = call.query
        found = await store.page(
            self._pool,
            call.ids["id"],
            call.user_id,
            call.ids["message"],
            emoji=query.emoji if isinstance(query.emoji, str) else None,
            after=_place(query.cursor) if isinstance(query.cursor, str) else None,
            limit=min(query.limit, MAX_PAGE),
        )
        page = told(found, store.ReactionPage)
        following = None if page.next is None else f"{page.next.user_id}.{page.next.emoji}"
        return ReactionsAnswer(page.reactions, following)


def _place(cursor: str) -> store.After:
    user_id, _, emoji = cursor.partition(".")
    return store.After(emoji, user_id.lower())


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    handlers = Reactions(pool, delivery)
    return [*_reading(handlers), *_changing(handlers)]


def _reading(handlers: Reactions) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="listReactions",
            handler=handlers.page,
            summary="Read who reacts to a message",
            tag=TAG,
            query=ReactionsQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=ReactionsAnswer,
            errors=(403, 404),
        ),
    ]


def _changing(handlers: Reactions) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=PATH + "/{emoji}",
            name="addReaction",
            handler=handlers.add,
            summary="React to a message",
            description="Repeatable: nothing is told again to anybody where nothing changes. At most"
            f" {store.MOST_DISTINCT} different emojis a message, and {store.MOST_OF_USER} of one person: else 409"
            " `limit`. 409 `deleted` once the message is.",
            tag=TAG,
            texts={"emoji": EMOJI},
            cost=FLAT,
            response=ReactionAnswer,
            errors=(403, 404, 409),
        ),
        Endpoint(
            method="DELETE",
            path=PATH + "/{emoji}",
            name="removeReaction",
            handler=handlers.remove,
            summary="Take a reaction back",
            description="Repeatable, as is reacting.",
            tag=TAG,
            texts={"emoji": EMOJI},
            cost=FLAT,
            response=ReactionAnswer,
            errors=(403, 404, 409),
        ),
    ]
