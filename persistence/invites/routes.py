"""`/api/conversations/{id}/invites` and `/api/invites/{token}`: links into groups."""

from persistence.attachments.linking import address_of
from persistence.attachments.rules import FileRules
from persistence.conversations import store as conversations
from persistence.conversations.shapes import ConversationAnswer
from persistence.database.pool import Pool
from persistence.groups.answers import refusal
from persistence.groups.telling import Telling
from persistence.groups.views import By, Joined, Refused
from persistence.invites import store as invites
from persistence.invites.shapes import DEFAULT_SECONDS, InviteAnswer, InviteRequest, InvitesAnswer
from persistence.invites.tokens import TOKEN
from persistence.invites.views import InvitePreview, NoSuchInvite, Shown, WasRemoved
from shared.http.address import base_url
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply, Success
from shared.http.errors import ApiError, forbidden, not_allowed, not_found

TAG = "groups"
PATH = "/api/conversations/{id}/invites"
LINK = "/api/invites/{token}"


class Invites:
    """The handlers."""

    def __init__(self, pool: Pool, telling: Telling, file_rules: FileRules) -> None:
        self._pool = pool
        self._telling = telling
        self._file_rules = file_rules

    async def create(self, call: Call[InviteRequest, Nothing]) -> Reply:
        seconds, max_uses = call.body.expires_in or DEFAULT_SECONDS, call.body.max_uses
        place = call.ids["id"], By(call.user_id)
        made = await invites.create(self._pool, *place, seconds=seconds, max_uses=max_uses)
        if isinstance(made, Refused):
            raise refusal(made)
        return Reply(201, InviteAnswer(made))

    async def listed(self, call: Call[Nothing, Nothing]) -> InvitesAnswer:
        found = await invites.listed(self._pool, call.ids["id"], By(call.user_id))
        if isinstance(found, Refused):
            raise refusal(found)
        return InvitesAnswer(found)

    async def revoke(self, call: Call[Nothing, Nothing]) -> Success:
        refused = await invites.revoke(self._pool, call.ids["id"], By(call.user_id), call.ids["invite"])
        if refused is not None:
            raise refusal(refused)
        return Success()

    async def preview(self, call: Call[Nothing, Nothing]) -> InvitePreview:
        found = await invites.preview(self._pool, call.ids["token"])
        if isinstance(found, NoSuchInvite):
            raise _gone()
        return InvitePreview(found.name, self._picture(call, found), found.participant_count)

    def _picture(self, call: Call[Nothing, Nothing], found: Shown) -> str | None:
        if found.avatar is None:
            return None
        return address_of(self._file_rules, found.avatar, found.invite_id, base_url(call.request)).url

    async def join(self, call: Call[Nothing, Nothing]) -> ConversationAnswer:
        found = await invites.use(self._pool, call.user_id, call.ids["token"])
        if isinstance(found, NoSuchInvite):
            raise _gone()
        if isinstance(found, WasRemoved):
            raise not_allowed("you were taken out of this group")
        if isinstance(found, Refused):
            raise refusal(found)
        if not isinstance(found, Joined):
            return await self._shown(call.user_id, found.conversation_id)
        await self._telling.tell(found)
        assert found.logged is not None, "who came in did so by an event"
        return await self._shown(call.user_id, found.logged.conversation_id)

    async def _shown(self, user_id: str, conversation_id: str) -> ConversationAnswer:
        view = await conversations.read(self._pool, user_id, conversation_id)
        if view is None:  # out again meanwhile
            raise forbidden()
        return ConversationAnswer(view)


def _gone() -> ApiError:
    return not_found("there is no such invite, or it is over")


def endpoints(pool: Pool, telling: Telling, file_rules: FileRules) -> list[Endpoint]:
    handlers = Invites(pool, telling, file_rules)
    return [*_making(handlers), *_keeping(handlers), *_using(handlers)]


def _making(handlers: Invites) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="createInvite",
            handler=handlers.create,
            summary="Make a link into a group",
            description="By admins and owners, else 403 `not_allowed`. The answer alone has the `token`: what the link"
            f" carries. At most {invites.MOST_LIVE} live at a time, else 409 `limit`.",
            tag=TAG,
            body=InviteRequest,
            body_optional=True,
            cost=FLAT,
            response=InviteAnswer,
            statuses=(201,),
            errors=(403, 409),
        ),
    ]


def _keeping(handlers: Invites) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="listInvites",
            handler=handlers.listed,
            summary="List the links into a group",
            description="Those that live, without their tokens. For admins and owners, else 403 `not_allowed`.",
            tag=TAG,
            cost=FLAT,
            response=InvitesAnswer,
            errors=(403, 409),
        ),
        Endpoint(
            method="DELETE",
            path=f"{PATH}/{{invite}}",
            name="revokeInvite",
            handler=handlers.revoke,
            summary="End a link into a group",
            description="By admins and owners, else 403 `not_allowed`. Repeatable.",
            tag=TAG,
            cost=FLAT,
            response=Success,
            errors=(403, 409),
        ),
    ]


def _using(handlers: Invites) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=LINK,
            name="previewInvite",
            handler=handlers.preview,
            summary="See which group a link leads into",
            description="404 alike for one that is spent, expired or revoked, and for one that never was."
            " `avatarUrl` needs no header; it ends after 5 minutes, and with the link into the group.",
            tag=TAG,
            texts={"token": TOKEN},
            cost=FLAT,
            response=InvitePreview,
            errors=(404,),
        ),
        Endpoint(
            method="POST",
            path=LINK,
            name="joinByInvite",
            handler=handlers.join,
            summary="Come into a group by a link",
            description="The caller sees what comes from then on. Repeatable, also after the last use, by who came in."
            " 404 as for the preview, 403 `not_allowed` for whom others took out of the group, 409 `limit` where it is"
            " full.",
            tag=TAG,
            texts={"token": TOKEN},
            cost=FLAT,
            response=ConversationAnswer,
            errors=(403, 404, 409),
        ),
    ]
