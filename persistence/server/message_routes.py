"""`/server/conversations/{id}/messages` and `/event`: what the app's own server says in a conversation."""

from msgspec import json

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.members.views import NotAMember, Withdrew
from persistence.messages.answers import refusal
from persistence.messages.logged import logged_message
from persistence.messages.queue import Overloaded, SendQueue
from persistence.messages.shapes import RESERVED, MessageAnswer, extra_of
from persistence.messages.texts import fault_of, trimmed
from persistence.messages.views import Draft, Repeated, Sent
from persistence.rules import Rules
from persistence.server import post, rooms
from persistence.server.envelopes import app_event
from persistence.server.post import Outcome, Post
from persistence.server.shapes import AppEvent, ServerMessage
from persistence.server.views import NoSuchConversation
from shared import texts
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply, Success
from shared.http.errors import forbidden, malformed, not_found, unavailable
from shared.ids import new_id

TAG = "messages"
SCOPE = "messages"
MAX_EVENT_BYTES = 2048


class ServerMessages:
    """The handlers. A user's own message goes the way of all, by the queue."""

    def __init__(self, pool: Pool, queue: SendQueue, delivery: Delivery, rules: Rules) -> None:
        self._pool = pool
        self._queue = queue
        self._delivery = delivery
        self._rules = rules

    async def send(self, call: Call[ServerMessage, Nothing]) -> Reply:
        draft, given = self._draft(call.body), call.body
        outcome = await self._commit(call.ids["id"], Post(draft, given.kind == "system", given.push is False))
        if isinstance(outcome, NoSuchConversation):
            raise not_found("there is no such conversation")
        if isinstance(outcome, NotAMember | Withdrew):
            raise forbidden("the sender is not in this conversation, or there is none")
        if not isinstance(outcome, Sent | Repeated):
            raise refusal(outcome)
        return Reply(200 if isinstance(outcome, Repeated) else 201, MessageAnswer(outcome.message, outcome.as_of_seq))

    async def _commit(self, conversation_id: str, given: Post) -> Outcome:
        if not given.by_nobody and not given.silent:
            try:
                return await self._queue.send(conversation_id, given.draft)
            except Overloaded as overloaded:
                raise unavailable("too many messages wait, try again", overloaded.retry_after_seconds) from None
        outcome = await post.post(self._pool, conversation_id, given)
        if isinstance(outcome, Sent):
            self._delivery.logged([logged_message(outcome.message)])
        return outcome

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


def endpoints(pool: Pool, queue: SendQueue, delivery: Delivery, rules: Rules) -> list[Endpoint]:
    handlers = ServerMessages(pool, queue, delivery, rules)
    return [
        Endpoint(
            method="POST",
            path="/server/conversations/{id}/messages",
            name="sendMessageAsServer",
            handler=handlers.send,
            summary="Send a message",
            description="201 once it is committed; the same `clientId` of the same sender again gives 200 and the first"
            " message. A system message is of `SYSTEM_USER_ID`, whom `PUT /server/users` gives a name.",
            tag=TAG,
            scope=SCOPE,
            body=ServerMessage,
            cost=FLAT,
            response=MessageAnswer,
            statuses=(201, 200),
            errors=(404,),
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
