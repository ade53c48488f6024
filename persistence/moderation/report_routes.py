"""`/api/reports`: saying that a message or a person should not be here."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from persistence.database.pool import Pool
from persistence.moderation import reports
from persistence.moderation.evidence import NotSeen, NotShared
from persistence.moderation.reasons import ReportReason
from persistence.moderation.reports import Report, Target
from persistence.quotas import Quotas
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply
from shared.http.errors import forbidden, malformed, no_such_message
from shared.http.fields import TEXT_PATTERN, Id

MAX_TEXT = 1000
_NOTHING = {"type": "null"}
_MESSAGE = {
    "required": ["messageId", "conversationId"],
    "properties": {"messageId": {"type": "string"}, "conversationId": {"type": "string"}, "userId": _NOTHING},
}
_USER = {
    "required": ["userId"],
    "properties": {"userId": {"type": "string"}, "messageId": _NOTHING, "conversationId": _NOTHING},
}


MessageKey = Annotated[str, Meta(max_length=4096, pattern=TEXT_PATTERN, description="opens a message that is sealed")]
OwnWords = Annotated[str, Meta(max_length=MAX_TEXT, pattern=TEXT_PATTERN, description="in own words")]


class NewReport(msgspec.Struct, rename="camel"):
    """Of a message (`messageId` and `conversationId`), or of a person (`userId`)."""

    json_schema: ClassVar[dict[str, Any]] = {"oneOf": [_MESSAGE, _USER]}

    reason: ReportReason
    message_id: Id | None = None
    conversation_id: Id | None = None
    user_id: Id | None = None
    message_key: MessageKey | None = None
    text: OwnWords | None = None

    def target(self) -> Target:
        """Raises ApiError 400 for neither of the two, or both."""
        if (self.message_id is None) == (self.user_id is None):
            raise malformed("messageId", "expected a messageId with its conversationId, or a userId")
        if (self.message_id is None) != (self.conversation_id is None):
            raise malformed("conversationId", "expected together with messageId, and only then")
        if self.message_id is None or self.conversation_id is None:
            return Target((self.user_id or "").lower())
        return Target(self.message_id.lower(), self.conversation_id.lower(), self.message_key)


class ReportAnswer(msgspec.Struct):
    report: Report


def endpoints(pool: Pool, quotas: Quotas) -> list[Endpoint]:
    async def report(call: Call[NewReport, Nothing]) -> Reply:
        given, target = call.body, call.body.target()
        await quotas.report(call.user_id)
        text = (given.text or "").strip() or None
        found = await reports.report(pool, call.user_id, target, given.reason, text)
        if isinstance(found, NotShared):
            raise forbidden("only what comes from a conversation of your own can be reported")
        if isinstance(found, NotSeen):
            raise no_such_message()
        return Reply(201 if found.is_new else 200, ReportAnswer(found.report))

    return [
        Endpoint(
            method="POST",
            path="/api/reports",
            name="createReport",
            handler=report,
            summary="Report a message or a person",
            description="To the moderators, with a copy of what stands there now, which outlives its deletion. Of a"
            " message in a conversation that the caller is or was in, or of a person with whom they share or shared"
            " one: else 403. The same again by the same person gives 200 and the first report. Nobody is told who"
            " reported.",
            tag="safety",
            body=NewReport,
            cost=FLAT,
            response=ReportAnswer,
            statuses=(201, 200),
            errors=(403, 404),
        )
    ]
