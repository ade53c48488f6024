"""`/api/conversations/{id}/messages`: reading and sending."""

from msgspec import UnsetType
from prometheus_client import Counter

from persistence.database.pool import Pool
from persistence.members.views import NotAMember
from persistence.messages import history
from persistence.messages.answers import refusal
from persistence.messages.drafting import draft_of
from persistence.messages.queue import Overloaded, SendQueue
from persistence.messages.sender import Sender, Told
from persistence.messages.shapes import (
    HistoryAnswer,
    HistoryQuery,
    MessageAnswer,
    NewMessage,
    Pagination,
    SendQuery,
)
from persistence.messages.views import Draft, HistoryPage, Repeated, Sent
from persistence.paging import MAX_PAGE
from persistence.rules import Rules
from persistence.screening.answers import HeldAnswer, passed_of
from persistence.screening.held import HeldMessage
from persistence.screening.screening import Decided, Screening
from shared.http.address import base_url
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Reply
from shared.http.errors import ApiError, forbidden, unavailable
from shared.http.middleware import SPAN
from shared.tracing import COMMIT, Tracing

SENDS_REFUSED = Counter("parley_persistence_sends_refused_total", "Messages that were not sent, by code.", ["reason"])

TAG = "messages"
PATH = "/api/conversations/{id}/messages"


class Messages:
    """The handlers."""

    def __init__(
        self, pool: Pool, queue: SendQueue, tracing: Tracing, rules: Rules, screening: Screening | None
    ) -> None:
        self._pool = pool
        self._screening = screening
        self._sender = Sender(pool, queue)
        self._tracing = tracing
        self._rules = rules

    async def read(self, call: Call[Nothing, HistoryQuery]) -> HistoryAnswer:
        query, limit = call.query, min(call.query.limit, MAX_PAGE)
        found = await self._find(call.user_id, call.ids["id"], query, limit)
        if isinstance(found, NotAMember):
            raise forbidden()
        page = query.page if _is_counted(query) else None
        return HistoryAnswer(found.messages, Pagination(page, limit, found.total, found.has_more), found.as_of_seq)

    async def _find(
        self, user_id: str, conversation_id: str, query: HistoryQuery, limit: int
    ) -> HistoryPage | NotAMember:
        before, after, choice = query.before, query.after, query.choice()
        place = self._pool, user_id, conversation_id
        if isinstance(query.around, int):
            return await history.around(*place, seq=query.around, limit=limit, choice=choice)
        if isinstance(before, UnsetType) and isinstance(after, UnsetType):
            return await history.page(*place, number=query.page, limit=limit, choice=choice)
        if isinstance(after, UnsetType):
            assert isinstance(before, int)
            return await history.before(*place, seq=before, limit=limit, choice=choice)
        found = await history.after(*place, seq=after, limit=limit, choice=choice)
        return found if isinstance(before, UnsetType) else _below(found, before)

    async def send(self, call: Call[NewMessage, SendQuery]) -> Reply:
        given, span = call.body, call.request.get(SPAN)
        context = None if span is None else span.context
        draft = draft_of(given, call.user_id, self._rules, client_id=given.named(), span=context)
        base = self._rules.public_url or base_url(call.request)
        review = None
        if self._screening is not None and (call.identity.key_id is None or call.query.check is True):
            passed = await self._screening.before_send(call.ids["id"], draft, given, base)
            if isinstance(passed, HeldMessage):
                return Reply(202, HeldAnswer(passed))
            draft, review = _counted(passed)
        try:
            outcome = await self._commit(call.ids["id"], draft, given.files(), base)
        except Overloaded as overloaded:
            raise unavailable("too many messages wait, try again", overloaded.retry_after_seconds) from None
        if review is not None and self._screening is not None and isinstance(outcome, Sent):
            await self._screening.after_send(outcome.message, review)
        return _told(outcome)

    async def _commit(self, conversation_id: str, draft: Draft, files: list[str], base: str) -> Told:
        span = None if draft.span is None else self._tracing.step(COMMIT, draft.span)
        outcome = await self._sender.send(conversation_id, draft, files, base)
        if span is not None:
            span.end()
        return outcome


def _is_counted(query: HistoryQuery) -> bool:
    return _is_open(query) and isinstance(query.around, UnsetType)


def _is_open(query: HistoryQuery) -> bool:
    return isinstance(query.before, UnsetType) and isinstance(query.after, UnsetType)


def _below(found: HistoryPage | NotAMember, before: int) -> HistoryPage | NotAMember:
    """The messages of a page that lie below a seq; where one does not, no more of them come after it."""
    if isinstance(found, NotAMember):
        return found
    messages = [message for message in found.messages if message.seq < before]
    is_whole = len(messages) == len(found.messages)
    reaches_end = bool(messages) and messages[-1].seq == before - 1
    return found._replace(messages=messages, has_more=found.has_more and is_whole and not reaches_end)


def _counted(decided: Decided) -> tuple[Draft, str | None]:
    """As `passed_of`."""
    try:
        return passed_of(decided)
    except ApiError as error:
        SENDS_REFUSED.labels(error.body.code).inc()
        raise


def _told(outcome: Told) -> Reply:
    if not isinstance(outcome, Sent | Repeated):
        error = refusal(outcome)
        SENDS_REFUSED.labels(error.body.code).inc()
        raise error
    return Reply(200 if isinstance(outcome, Repeated) else 201, MessageAnswer(outcome.message, outcome.as_of_seq))


def endpoints(
    pool: Pool, queue: SendQueue, tracing: Tracing, rules: Rules, screening: Screening | None = None
) -> list[Endpoint]:
    handlers = Messages(pool, queue, tracing, rules, screening)
    return [*_reading(handlers), *_sending(handlers)]


def _reading(handlers: Messages) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="listMessages",
            handler=handlers.read,
            summary="Read messages",
            description="Oldest first within a page. `page` counts from the newest; `before` and `after` are seqs, of"
            " which the nearest messages are given, and are the cheaper way through a long history; `around` one is"
            " where a search or a reply leads, and the other two are ignored beside it. `pinned=true` gives the pinned"
            " alone, `replyTo` the replies to a message. A deleted message keeps its place as a"
            " tombstone; of what the caller deleted for themselves only `hidden` is told.",
            tag=TAG,
            query=HistoryQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=HistoryAnswer,
            errors=(403,),
        ),
    ]


def _sending(handlers: Messages) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="sendMessage",
            handler=handlers.send,
            summary="Send a message",
            description="201 once it is committed. The same `clientId` again gives 200 and the first message:"
            " nothing is sent twice, so a request whose answer was lost can be repeated. Of a `forward` the caller must"
            " see the source: 404 `no_such_message`, and 409 `deleted` where there is nothing left of it. 403"
            " `not_allowed` for who may not mention all. Where the operator has messages checked: 422 `rejected` with"
            " `reason`, and 202 with `held` where a moderator decides first.",
            tag=TAG,
            body=NewMessage,
            query=SendQuery,
            cost=FLAT,
            response=MessageAnswer,
            statuses=(201, 200),
            errors=(403, 404, 409, 422),
        ),
    ]
