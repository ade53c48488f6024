"""`/moderation/audit`: who did what to whom, and why."""

from msgspec import UNSET, UnsetType

from persistence.audit import store as audit
from persistence.audit.shapes import AuditAnswer, AuditQuery
from persistence.database.pool import Pool
from persistence.paging import MAX_PAGE
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing


def endpoints(pool: Pool) -> list[Endpoint]:
    async def read(call: Call[Nothing, AuditQuery]) -> AuditAnswer:
        given = call.query
        page = await audit.page(
            pool,
            actor=_or_none(given.actor),
            subject=_or_none(given.subject),
            action=_or_none(given.action),
            before=int(given.cursor) if isinstance(given.cursor, str) else audit.END,
            limit=min(given.limit, MAX_PAGE),
        )
        return AuditAnswer(page.entries, None if page.next is None else str(page.next))

    return [
        Endpoint(
            method="GET",
            path="/moderation/audit",
            name="listAuditEntries",
            handler=read,
            summary="Who did what",
            description="What moderators, admins, server keys and commands did, the newest first. Nothing changes an"
            " entry; after `AUDIT_DAYS` entries go.",
            tag="moderation",
            role="moderator",
            query=AuditQuery,
            cost=Cost(lambda _, query: min(query.limit, MAX_PAGE) - 50, per=50),
            response=AuditAnswer,
            errors=(403,),
        )
    ]


def _or_none(word: str | UnsetType) -> str | None:
    return None if word is UNSET else str(word)
