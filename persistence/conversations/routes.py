"""`/api/conversations`: listing, starting and hiding them."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, UnsetType

from persistence.conversations import announcing, beginnings
from persistence.conversations import store as conversations
from persistence.conversations.creating import create
from persistence.conversations.shapes import (
    ConversationAnswer,
    ConversationsAnswer,
    ConversationsQuery,
    CreatedAnswer,
    CreatedConversation,
    NewConversation,
)
from persistence.conversations.views import Hidden, KeptApart, Position
from persistence.database.pool import Pool
from persistence.members.announcer import MembershipAnnouncer
from persistence.members.views import NotAMember
from persistence.paging import MAX_PAGE
from persistence.quotas import Quotas
from persistence.rules import Rules
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Reply, Success
from shared.http.errors import blocked, forbidden, malformed

TAG = "conversations"
APART = "this conversation is not possible"
ARCHIVED: Mapping[str | UnsetType, bool | None] = MappingProxyType(
    {UNSET: False, "false": False, "true": True, "all": None}
)


class Conversations:
    """The handlers."""

    def __init__(self, pool: Pool, announcer: MembershipAnnouncer, rules: Rules, quotas: Quotas) -> None:
        self._pool = pool
        self._announcer = announcer
        self._rules = rules
        self._quotas = quotas

    async def page(self, call: Call[Nothing, ConversationsQuery]) -> ConversationsAnswer:
        after = _position(call.query)
        limit = min(call.query.limit, MAX_PAGE)
        page = await conversations.page(
            self._pool,
            call.user_id,
            limit=limit,
            after=after,
            archived=ARCHIVED[call.query.archived],
            withdrawn=call.query.blocked is True,
        )
        return ConversationsAnswer(page.conversations, page.next.to_cursor() if page.next else None)

    async def create(self, call: Call[NewConversation, Nothing]) -> Reply:
        given, people, is_group = call.body, call.body.people(call.user_id), bool(call.body.is_group)
        per_bounty = self._rules.direct_per_bounty
        new = await beginnings.begins(
            self._pool, people, is_group=is_group, bounty_id=given.bounty_id, per_bounty=per_bounty
        )
        if new is not None:
            await self._quotas.begin(call.user_id, strangers=new.strangers)
        created = await create(
            self._pool,
            call.user_id,
            people,
            is_group=is_group,
            name=given.line(),
            bounty_id=given.bounty_id,
            per_bounty=per_bounty,
        )
        if isinstance(created, KeptApart):
            raise blocked() if created.by_caller else forbidden(APART)
        await announcing.joined(self._announcer, created)
        shown = CreatedConversation(**msgspec.structs.asdict(created.conversation), existing=created.existing)
        return Reply(200 if created.existing else 201, CreatedAnswer(shown))

    async def one(self, call: Call[Nothing, Nothing]) -> ConversationAnswer:
        found = await conversations.read(self._pool, call.user_id, call.ids["id"])
        if found is None:
            raise forbidden()
        return ConversationAnswer(found)

    async def hide(self, call: Call[Nothing, Nothing]) -> Success:
        hidden = await conversations.hide(self._pool, call.user_id, call.ids["id"])
        if isinstance(hidden, NotAMember):
            raise forbidden()
        if isinstance(hidden, Hidden):
            announcing.hidden(self._announcer, call.ids["id"], hidden)
        return Success()


def _position(query: ConversationsQuery) -> Position | None:
    if not isinstance(query.cursor, str):
        return None
    position = Position.from_cursor(query.cursor)
    if position is None:
        raise malformed("cursor", "expected nextCursor of the page before")
    return position


def endpoints(pool: Pool, announcer: MembershipAnnouncer, rules: Rules, quotas: Quotas) -> list[Endpoint]:
    handlers = Conversations(pool, announcer, rules, quotas)
    return [*_reading(handlers), *_changing(handlers)]


def _reading(handlers: Conversations) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/conversations",
            name="listConversations",
            handler=handlers.page,
            summary="List the caller's conversations",
            description="Newest activity first. Hidden ones are left out until a new message brings them back."
            " `participants` are the first 50 people; `GET /api/conversations/{id}/members` gives all. `archived=true`"
            " gives those that the caller archived, `all` both. `blocked=true`"
            " gives instead those with people whom the caller blocks: their history stays readable.",
            tag=TAG,
            query=ConversationsQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=ConversationsAnswer,
        ),
        Endpoint(
            method="GET",
            path="/api/conversations/{id}",
            name="getConversation",
            handler=handlers.one,
            summary="Read one conversation",
            description="As in the list, also while the caller hides the conversation.",
            tag=TAG,
            cost=FLAT,
            response=ConversationAnswer,
            errors=(403,),
        ),
    ]


def _changing(handlers: Conversations) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path="/api/conversations",
            name="createConversation",
            handler=handlers.create,
            summary="Start a conversation, or find the one that two people have",
            description="Two people have one conversation about each `bountyId`, and one about none: asking again"
            " gives it back with 200 and `existing: true`. A `bountyId` that is empty, `null` or `undefined` is none."
            " With `DIRECT_PER=pair` two people have one conversation in all. Three or more, or `isGroup`, are a new"
            " group; whom a block keeps apart from the caller is left out. 403 where too few remain, and for two of"
            " whom one blocks the other. 429 also for too many conversations begun, or too many people"
            " named who were never seen.",
            tag=TAG,
            body=NewConversation,
            cost=Cost(lambda body, _: len(body.participant_ids), per=10),
            response=CreatedAnswer,
            statuses=(201, 200),
            errors=(403,),
        ),
        Endpoint(
            method="DELETE",
            path="/api/conversations/{id}",
            name="hideConversation",
            handler=handlers.hide,
            summary="Hide a conversation from the caller alone",
            description="All up to now is gone from the caller's list, history, totals, unread and sync. A new message,"
            " or the caller's own `POST /api/conversations`, brings the conversation back.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(403,),
        ),
    ]
