"""`/moderation/conversations/{id}/slow`: how long each member of a group waits between two messages."""

from typing import Annotated

import msgspec
from msgspec import Meta

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Pool
from persistence.groups import changes
from persistence.groups.answers import refusal
from persistence.groups.changes import Wanted
from persistence.groups.telling import Telling
from persistence.groups.views import By, Refused
from persistence.members.views import NotAMember
from persistence.moderation.acts import ACTIONS
from persistence.rules import Rules
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Success
from shared.http.errors import not_found

LONGEST_SECONDS = 3600


class Slowness(msgspec.Struct):
    """0 frees everybody at once."""

    seconds: Annotated[int, Meta(ge=0, le=LONGEST_SECONDS)]


def endpoints(pool: Pool, telling: Telling, rules: Rules) -> list[Endpoint]:
    by = By(rules.system_user_id, is_server=True)

    async def slow(call: Call[Slowness, Nothing]) -> Success:
        conversation_id, seconds = call.ids["id"], call.body.seconds
        found = await changes.change(pool, conversation_id, by, Wanted(settings={"slow_seconds": seconds}))
        if isinstance(found, NotAMember):
            raise not_found("there is no such conversation")
        if isinstance(found, Refused):
            raise refusal(found)
        entry = Entry("conversation.slow", "conversation", conversation_id, details={"seconds": seconds})
        await audit.note(pool, call.actor, entry, call.request_id)
        ACTIONS.labels("slow").inc()
        await telling.tell(found)
        return Success()

    return [
        Endpoint(
            method="PUT",
            path="/moderation/conversations/{id}/slow",
            name="slowConversation",
            handler=slow,
            summary="Let each member of a group wait between two messages",
            description="The setting `slowSeconds` of the group, which its admins set, too. Admins, owners, moderators"
            " and keys do not wait. 429 `slow` with `Retry-After` for who sends too soon.",
            tag="moderation",
            role="moderator",
            body=Slowness,
            cost=FLAT,
            response=Success,
            errors=(403, 404, 409),
        )
    ]
