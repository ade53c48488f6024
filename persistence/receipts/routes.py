"""`/api/conversations/{id}/messages/status`: what was received and read."""

from persistence.database.pool import Pool
from persistence.members.views import NotAMember
from persistence.receipts import cursors
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.shapes import Progress, ProgressAnswer
from persistence.receipts.views import Status
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import forbidden


def endpoints(pool: Pool, announcer: ReceiptAnnouncer) -> list[Endpoint]:
    async def mark(call: Call[Progress, Nothing]) -> ProgressAnswer:
        ids = [one.lower() for one in call.body.message_ids]
        marked = await cursors.mark(pool, call.user_id, call.ids["id"], ids, Status(call.body.status))
        if isinstance(marked, NotAMember):
            raise forbidden()
        announcer.tell(marked.moved)
        return ProgressAnswer(marked.updated_count)

    return [
        Endpoint(
            method="POST",
            path="/api/conversations/{id}/messages/status",
            name="reportMessages",
            handler=mark,
            summary="Report messages as delivered or read",
            description="Counts for all up to and with the newest one named; never backwards.",
            tag="messages",
            body=Progress,
            cost=Cost(lambda body, _: len(body.message_ids) - 50, per=50),
            response=ProgressAnswer,
            errors=(403,),
        )
    ]
