"""`/server/conversations`: making them, their data, what happens in them."""

from msgspec import json, structs

from persistence.conversations import announcing
from persistence.conversations.views import Created, KeptApart
from persistence.database.pool import Pool
from persistence.log import read as log
from persistence.members.announcer import MembershipAnnouncer
from persistence.messages.views import NoSuchConversation
from persistence.paging import MAX_PAGE
from persistence.rules import Rules
from persistence.server import rooms
from persistence.server.happened import payload
from persistence.server.shapes import (
    EventsAnswer,
    EventsQuery,
    Happened,
    OwnData,
    ServerConversationAnswer,
    StartConversation,
    StartedAnswer,
    StartedConversation,
    own_data,
)
from persistence.server.views import ServerConversation
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Reply
from shared.http.errors import ApiError, not_found
from shared.texts import line

TAG = "conversations"
SCOPE = "conversations"
PATH = "/server/conversations"


class Rooms:
    """The handlers."""

    def __init__(self, pool: Pool, announcer: MembershipAnnouncer, rules: Rules) -> None:
        self._pool = pool
        self._announcer = announcer
        self._rules = rules

    async def start(self, call: Call[StartConversation, Nothing]) -> Reply:
        given, data = call.body, own_data(call.body.data)
        started = await rooms.start(
            self._pool,
            given.people(),
            conversation_id=given.id.lower() if given.id else None,
            created_by=given.created_by.lower() if given.created_by else None,
            system_id=self._rules.system_user_id,
            is_group=bool(given.is_group),
            name=(line(given.name) or None) if given.name else None,
            bounty_id=given.bounty_id,
            per_bounty=self._rules.direct_per_bounty,
        )
        if isinstance(started, ServerConversation):
            return _started(started, existing=True)
        if isinstance(started, KeptApart):
            raise ApiError(403, "blocked", "a block keeps these people apart")
        await announcing.joined(self._announcer, started)
        return _started(await self._with_data(started, data), existing=started.existing)

    async def _with_data(self, created: Created, data: str | None) -> ServerConversation:
        """A repeat of a request whose process died in between finds the conversation by its id, and puts no data: the
        route for data does."""
        room_id = created.conversation.id
        if data is None or created.existing:
            return _found(await rooms.read(self._pool, room_id))
        return _found(await rooms.put_data(self._pool, room_id, data))

    async def one(self, call: Call[Nothing, Nothing]) -> ServerConversationAnswer:
        return ServerConversationAnswer(_found(await rooms.read(self._pool, call.ids["id"])))

    async def put_data(self, call: Call[OwnData, Nothing]) -> ServerConversationAnswer:
        return ServerConversationAnswer(
            _found(await rooms.put_data(self._pool, call.ids["id"], own_data(call.body.data)))
        )

    async def events(self, call: Call[Nothing, EventsQuery]) -> EventsAnswer:
        page = await log.page(self._pool, call.ids["id"], after=call.query.after, limit=min(call.query.limit, MAX_PAGE))
        if page is None:
            raise _no_conversation()
        told = [json.decode(payload(event), type=Happened) for event in page.events]
        return EventsAnswer(told, page.events[-1].seq if page.events and not page.complete else None)


def _found(conversation: ServerConversation | NoSuchConversation) -> ServerConversation:
    if isinstance(conversation, NoSuchConversation):
        raise _no_conversation()
    return conversation


def _no_conversation() -> ApiError:
    return not_found("there is no such conversation")


def _started(conversation: ServerConversation, *, existing: bool) -> Reply:
    shown = StartedConversation(**structs.asdict(conversation), existing=existing)
    return Reply(200 if existing else 201, StartedAnswer(shown))


def endpoints(pool: Pool, announcer: MembershipAnnouncer, rules: Rules) -> list[Endpoint]:
    handlers = Rooms(pool, announcer, rules)
    return [*_of_rooms(handlers), *_of_what_is_in_them(handlers)]


def _of_rooms(handlers: Rooms) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="startConversation",
            handler=handlers.start,
            summary="Start a conversation",
            description="With an `id` the same request again gives back what is there, with 200. Two people have one"
            " conversation, as when they start it themselves.",
            tag=TAG,
            scope=SCOPE,
            body=StartConversation,
            cost=Cost(lambda body, _: len(body.participant_ids)),
            response=StartedAnswer,
            statuses=(201, 200),
        ),
        Endpoint(
            method="GET",
            path=f"{PATH}/{{id}}",
            name="getConversationAsServer",
            handler=handlers.one,
            summary="A conversation",
            tag=TAG,
            scope=SCOPE,
            cost=FLAT,
            response=ServerConversationAnswer,
            errors=(404,),
        ),
    ]


def _of_what_is_in_them(handlers: Rooms) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=f"{PATH}/{{id}}/data",
            name="putConversationData",
            handler=handlers.put_data,
            summary="Put the app's own data beside a conversation",
            description="Only keys see it. Null takes it away.",
            tag=TAG,
            scope=SCOPE,
            body=OwnData,
            cost=FLAT,
            response=ServerConversationAnswer,
            errors=(404,),
        ),
        Endpoint(
            method="GET",
            path=f"{PATH}/{{id}}/events",
            name="listEvents",
            handler=handlers.events,
            summary="What happened in a conversation",
            description="Every durable event after a seq, without a gap, as webhooks tell it: what a webhook that was"
            " missed would have said.",
            tag=TAG,
            scope="messages",
            query=EventsQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=EventsAnswer,
            errors=(404,),
        ),
    ]
