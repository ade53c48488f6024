"""`/moderation/items`: the queue, one item with its evidence, a claim, a decision."""

import re

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Pool
from persistence.moderation import items, resolving
from persistence.moderation.acts import Order
from persistence.moderation.resolving import Decision, Resolved
from persistence.moderation.shapes import ItemAnswer, ItemsAnswer, ItemsQuery, ItemWithReports, NewDecision
from persistence.moderation.telling import Teller
from persistence.moderation.views import Changed, Claimed, NoSuchItem, NotFor, Place, WholeItem
from persistence.paging import MAX_PAGE
from shared.http.cost import FLAT, Cost
from shared.http.endpoint import Call, Endpoint, Nothing, Reply
from shared.http.errors import ApiError, ErrorBody, malformed, not_found

TAG = "moderation"
PATH = "/moderation/items/{item}"
_VERSION = re.compile(r'\s*(?:W/)?"?([0-9]{1,15})"?\s*\Z')


class ClaimedBody(ErrorBody):
    """The error, and who looks at the item."""

    claimed_by: str | None = None


class Items:
    """The handlers."""

    def __init__(self, pool: Pool, teller: Teller) -> None:
        self._pool = pool
        self._teller = teller

    async def page(self, call: Call[Nothing, ItemsQuery]) -> ItemsAnswer:
        given = call.query
        page = await items.page(
            self._pool,
            state=given.state or None,
            kind=given.kind or None,
            user_id=given.user_id.lower() if isinstance(given.user_id, str) else None,
            after=Place.from_cursor(given.cursor) if isinstance(given.cursor, str) else None,
            limit=min(given.limit, MAX_PAGE),
        )
        return ItemsAnswer(page.items, page.next.to_cursor() if page.next else None)

    async def one(self, call: Call[Nothing, Nothing]) -> Reply:
        found = _found(await items.one(self._pool, call.ids["item"]))
        await audit.note(self._pool, call.actor, Entry("item.read", "item", found.id), call.request_id)
        reports = await items.reports_of(self._pool, found.id)
        return _tagged(found, ItemWithReports(found, reports))

    async def claim(self, call: Call[Nothing, Nothing]) -> Reply:
        found = _found(await items.claim(self._pool, call.ids["item"], call.actor.id))
        return _tagged(found, ItemAnswer(found))

    async def resolve(self, call: Call[NewDecision, Nothing]) -> Reply:
        given = call.body
        decision = Decision(given.action, given.note, given.days, given.scope or "conversation", _version(call))
        order = Order(call.actor, given.reason.strip(), call.request_id)
        found = await resolving.resolve(self._pool, call.ids["item"], order, decision)
        if not isinstance(found, Resolved):
            raise _refusal(found)
        await self._teller.tell(found.done)
        return _tagged(found.item, ItemAnswer(found.item))


def _version(call: Call[NewDecision, Nothing]) -> int | None:
    given = call.request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    known = _VERSION.match(given)
    if known is None:
        raise malformed("If-Match", "expected the item's version")
    return int(known[1])


def _tagged(item: WholeItem, body: ItemAnswer | ItemWithReports) -> Reply:
    return Reply(200, body, {"ETag": f'"{item.version}"'})


def _found(found: WholeItem | NoSuchItem | Claimed) -> WholeItem:
    if not isinstance(found, WholeItem):
        raise _refusal(found)
    return found


def _refusal(found: NoSuchItem | Claimed | Changed | NotFor) -> ApiError:
    match found:
        case Claimed(by):
            error = ApiError(409, "claimed", "somebody else looks at it")
            error.body = ClaimedBody(error.body.error, error.body.code, claimed_by=by)
            return error
        case Changed():
            return ApiError(409, "changed", "it was resolved or reported again meanwhile: read it again")
        case NotFor(why):
            return malformed("action", why)
    return not_found("there is no such item")


def endpoints(pool: Pool, teller: Teller) -> list[Endpoint]:
    handlers = Items(pool, teller)
    return [*_reading(handlers), *_deciding(handlers)]


def _reading(handlers: Items) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/moderation/items",
            name="listReviewItems",
            handler=handlers.page,
            summary="Read the queue",
            description="What was reported, or waits to be sent. The highest score first, then the oldest; child safety"
            " lies above all else.",
            tag=TAG,
            role="moderator",
            query=ItemsQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=ItemsAnswer,
            errors=(403,),
        ),
        Endpoint(
            method="GET",
            path=PATH,
            name="getReviewItem",
            handler=handlers.one,
            summary="Read an item, with its evidence",
            description="Noted in the audit log. `ETag` is the item's version, for `If-Match` of the decision.",
            tag=TAG,
            role="moderator",
            cost=FLAT,
            response=ItemWithReports,
            errors=(403, 404),
        ),
    ]


def _deciding(handlers: Items) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=f"{PATH}/claim",
            name="claimReviewItem",
            handler=handlers.claim,
            summary="Keep an item from others for a while",
            description=f"For {items.CLAIM_MINUTES} minutes. 409 `claimed` with `claimedBy` where another holds it.",
            tag=TAG,
            role="moderator",
            cost=FLAT,
            response=ItemAnswer,
            errors=(403, 404, 409),
        ),
        Endpoint(
            method="POST",
            path=f"{PATH}/resolve",
            name="resolveReviewItem",
            handler=handlers.resolve,
            summary="Decide on an item",
            description="With `If-Match` and the version that was seen. 409 `changed` where it was resolved or reported"
            " again meanwhile, 409 `claimed` where another holds it. Whom it concerns is told the action and the"
            " reason, never who reported.",
            tag=TAG,
            role="moderator",
            body=NewDecision,
            cost=FLAT,
            response=ItemAnswer,
            errors=(403, 404, 409),
        ),
    ]
