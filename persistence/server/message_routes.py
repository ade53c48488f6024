"""`/server/conversations/{id}/messages` and `/event`: what the app's own server says in a conversation."""

from msgspec import json

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.members.views import NotAMember, Withdrew
from persistence.messages.answers import refusal
from persistence.messages.posting import Outcome, Post
from persistence.messages.queue import Overloaded, SendQueue
from persistence.messages.sender import Sender
from persistence.messages.shapes import RESERVED, MessageAnswer, SendQuery, extra_of
from persistence.messages.texts import fault_of, trimmed
from persistence.messages.views import Draft, NoSuchConversation, Repeated, Sent
from persistence.rules import Rules
from persistence.screening.answers import HeldAnswer, passed_of
from persistence.screening.held import HeldMessage
from persistence.screening.screening import Screening
from persistence.server import rooms
from persistence.server.envelopes import app_event
from persistence.server.shapes import AppEvent, ServerMessage
from shared import texts
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply, Success
from shared.http.errors import forbidden, malformed, not_found, unavailable
from shared.ids import new_id

TAG = "messages"
SCOPE = "messages"
MAX_EVENT_BYTES = 2048


class ServerMessages:
    """The handlers."""

    def __init__(
        self, pool: Pool, queue: SendQueue, delivery: Delivery, rules: Rules, screening: Screening | None
    ) -> None:
        self._pool = pool
        self._sender = Sender(pool, queue)
        self._delivery = delivery
        self._rules = rules
        self._screening = screening

    async def send(self, call: Call[ServerMessage, SendQuery]) -> Reply:
        given, review = call.body, None
        posted = Post(self._draft(given), given.kind == "system", given.push is False)
        if self._screening is not None and call.query.check is True:
            # No file comes along, so there is no address of files to keep.
            place, nobody = (call.ids["id"], posted.draft, given, ""), posted.by_nobody
            decided = await self._screening.before_send(*place, by_nobody=nobody)
            if isinstance(decided, HeldMessage):
                return Reply(202, HeldAnswer(decided))
            draft, review = passed_of(decided)
            posted = posted._replace(draft=draft)
        outcome = await self._commit(call.ids["id"], posted)
        if review is not None and self._screening is not None and isinstance(outcome, Sent):
            await self._screening.after_send(outcome.message, review)
        return _told(outcome)

    async def _commit(self, conversation_id: str, given: Post) -> Outcome:
        try:
            return await self._sender.post(conversation_id, given)
        except Overloaded as overloaded:
            raise unavailable("too many messages wait, try again", overloaded.retry_after_seconds) from None

    def _draft(self, given: ServerMessage) -> Draft:
        """Raises ApiError 400."""
        text = trimmed(given.text or "")
        fault = fault_of(text, opaque=False, beside_file=given.media_url is not None)
        if fault is not None:
            raise malformed("text", fault)
        if given.client_id.startswith(RESERVED):
            raise malformed("clientId", "expected none that begins with " + " or ".join(RESERVED))
        if given.media_url is not None and not texts.is_address(given.media_url, self._rules.media_schemes):
            raise malformed("mediaUrl", "expected a URL of a scheme that this server takes, without blanks")
        return Draft(
            id=new_id(),
            sender_id=given.sender(self._rules.system_user_id),
            text=text,
            client_id=given.client_id,
            reply_to=given.reply_to.lower() if given.reply_to else None,
            media_url=given.media_url,
            data=extra_of(given.data),
        )

    async def event(self, call: Call[AppEvent, Nothing]) -> Success:
        given, data = call.body, json.encode(call.body.data)
        if len(data) > MAX_EVENT_BYTES:
            raise malformed("data", f"at most {MAX_EVENT_BYTES} bytes")
        if isinstance(await rooms.read(self._pool, call.ids["id"]), NoSuchConversation):
            raise not_found("there is no such conversation")
        sender = given.sender_id.lower() if given.sender_id else self._rules.system_user_id
        self._delivery.offer(app_event(call.ids["id"], sender, given.name, data, epoch=self._delivery.epoch))
        return Success()


def _told(outcome: Outcome) -> Reply:
    """Raises ApiError for what was not sent."""
    if isinstance(outcome, NoSuchConversation):
        raise not_found("there is no such conversation")
    if isinstance(outcome, NotAMember | Withdrew):
        raise forbidden("the sender is not in this conversation, or there is none")
    if not isinstance(outcome, Sent | Repeated):
        raise refusal(outcome)
    return Reply(200 if isinstance(outcome, Repeated) else 201, MessageAnswer(outcome.message, outcome.as_of_seq))


def endpoints(
    pool: Pool, queue: SendQueue, delivery: Delivery, rules: Rules, screening: Screening | None = None
) -> list[Endpoint]:
    handlers = ServerMessages(pool, queue, delivery, rules, screening)
    return [
        Endpoint(
            method="POST",
            path="/server/conversations/{id}/messages",
            name="sendMessageAsServer",
            handler=handlers.send,
            summary="Send a message",
            description="201 once it is committed; the same `clientId` of the same sender again gives 200 and the first"
            " message. A system message is of `SYSTEM_USER_ID`, whom `PUT /server/users` gives a name. With"
            " `check=true` it is checked before, as a user's own is: 422 `rejected` with `reason`, or 202 with `held`.",
            tag=TAG,
            scope=SCOPE,
            body=ServerMessage,
            query=SendQuery,
            cost=FLAT,
            response=MessageAnswer,
            statuses=(201, 200),
            errors=(404, 409, 422),
        ),
        Endpoint(
            method="POST",
            path="/server/conversations/{id}/event",
            name="sayEvent",
            handler=handlers.event,
            summary="Say something that nobody keeps",
            description="Whoever is in the conversation and connected gets a frame `event`.",
            tag=TAG,
            scope=SCOPE,
            body=AppEvent,
            cost=FLAT,
            response=Success,
            errors=(404,),
        ),
    ]
