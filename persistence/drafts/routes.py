"""`/api/drafts`: what the caller has begun to write."""

from persistence.database.pool import Pool
from persistence.drafts import store
from persistence.drafts.shapes import MOST_ATTACHMENTS, DraftBody, DraftQuery, DraftsAnswer, StandingDraft
from persistence.log.delivery import Delivery
from persistence.messages.answers import told
from shared import account_frames
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing

TAG = "account"
PATH = "/api/drafts/{conversation}"
_ALL_TOKENS = Cost(lambda _body, _query: 4, per=1)
"""Some megabytes, at the most."""


class Drafts:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool = pool
        self._delivery = delivery

    async def listed(self, call: Call[Nothing, Nothing]) -> DraftsAnswer:
        return DraftsAnswer(await store.listed(self._pool, call.user_id))

    async def put(self, call: Call[DraftBody, Nothing]) -> StandingDraft:
        return await self._put(call.user_id, call.ids["conversation"], call.body.wanted())

    async def remove(self, call: Call[Nothing, DraftQuery]) -> StandingDraft:
        return await self._put(call.user_id, call.ids["conversation"], call.query.wanted())

    async def _put(self, user_id: str, conversation_id: str, wanted: store.Wanted) -> StandingDraft:
        stands = told(await store.put(self._pool, conversation_id, user_id, wanted), store.Stands)
        if stands.draft is None:
            return StandingDraft([])
        if stands.is_news:
            self._delivery.to_user(user_id, _frame(stands.draft))
        return StandingDraft([] if stands.draft.is_gone else [stands.draft])


def _frame(draft: store.Draft) -> bytes:
    return account_frames.draft(
        conversation_id=draft.conversation_id,
        text=draft.text,
        reply_to=draft.reply_to,
        attachments=draft.attachments,
        updated_at=draft.updated_at,
    )


def endpoints(pool: Pool, delivery: Delivery) -> list[Endpoint]:
    handlers = Drafts(pool, delivery)
    return [*_reading(handlers), *_changing(handlers)]


def _reading(handlers: Drafts) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/drafts",
            name="listDrafts",
            handler=handlers.listed,
            summary="Read the caller's drafts",
            description=f"At most {store.MOST}. Only of conversations that the caller is in.",
            tag=TAG,
            cost=_ALL_TOKENS,
            response=DraftsAnswer,
        ),
    ]


def _changing(handlers: Drafts) -> list[Endpoint]:
    return [
        Endpoint(
            method="PUT",
            path=PATH,
            name="putDraft",
            handler=handlers.put,
            summary="Keep a draft",
            description="Of the drafts that several devices write the one with the newest `updatedAt` stands, and the"
            " answer tells which one that is. A frame `draft` tells the caller's other devices. At most"
            f" {MOST_ATTACHMENTS} attachments, the caller's own, ready, unused, and made for this conversation: else"
            f" 400 `attachments`; and at most {store.MOST} drafts: else 409 `limit`.",
            tag=TAG,
            body=DraftBody,
            cost=FLAT,
            response=StandingDraft,
            errors=(403, 409),
        ),
        Endpoint(
            method="DELETE",
            path=PATH,
            name="deleteDraft",
            handler=handlers.remove,
            summary="End a draft",
            description="Unless a newer one stands, which is then given. Repeatable.",
            tag=TAG,
            query=DraftQuery,
            cost=FLAT,
            response=StandingDraft,
            errors=(403, 409),
        ),
    ]
