"""`/api/conversations/{id}/archive`, `/pinned` and `/unread-mark`: how the caller keeps a conversation."""

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.marks import store
from persistence.marks.frames import marked
from persistence.marks.store import Mark
from persistence.members.views import NotAMember
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Handler, Nothing, Success
from shared.http.errors import forbidden

TAG = "account"


class MarkRoutes:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery

    def setting(self, mark: Mark, *, on: bool) -> Handler:
        async def set_mark(call: Call[Nothing, Nothing]) -> Success:
            conversation_id = call.ids["id"]
            found = await store.mark(self._pool, conversation_id, call.user_id, mark, on=on)
            if isinstance(found, NotAMember):
                raise forbidden()
            if found.is_news:
                self._delivery.to_user(call.user_id, marked(conversation_id, found.marks))
            return Success()

        return set_mark


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    handlers = MarkRoutes(pool, delivery)

    def route(method: str, path: str, mark: Mark, name: str, summary: str, description: str = "") -> Endpoint:
        return Endpoint(
            method=method,
            path=f"/api/conversations/{{id}}/{path}",
            name=name,
            handler=handlers.setting(mark, on=method == "PUT"),
            summary=summary,
            description=description + "For the caller alone. A frame `conversation.marked` tells the caller's other"
            " devices. Repeatable.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(403,),
        )

    archived = (
        "Out of the list, and in that of `GET /api/conversations?archived=true`. A new message brings it back, unless"
        " the caller muted it. "
    )
    unread = "Until the caller reads further, or takes the mark off. "
    return [
        route("PUT", "archive", Mark.ARCHIVED, "archiveConversation", "Archive a conversation", archived),
        route("DELETE", "archive", Mark.ARCHIVED, "unarchiveConversation", "Take a conversation out of the archive"),
        route("PUT", "pinned", Mark.PINNED, "pinConversation", "Pin a conversation in the list"),
        route("DELETE", "pinned", Mark.PINNED, "unpinConversation", "Pin a conversation no more"),
        route("PUT", "unread-mark", Mark.UNREAD, "markConversationUnread", "Mark a conversation as unread", unread),
        route("DELETE", "unread-mark", Mark.UNREAD, "unmarkConversationUnread", "Take the mark of unread off"),
    ]
