"""`/api/attachments`: announcing a file, asking what became of it, and a link that needs no header."""

from persistence.attachments.access import access
from persistence.attachments.announcing import Announcement, announce, encoded_waveform, state
from persistence.attachments.linking import address_of
from persistence.attachments.rules import FileRules
from persistence.attachments.shapes import (
    AnnouncedAnswer,
    LinkAnswer,
    NewAttachment,
    StateAnswer,
    UploadTarget,
    WantedLink,
)
from persistence.attachments.views import Announced, NoSuchPoster, OverQuota
from persistence.database.pool import Pool
from persistence.members.views import NotAMember
from shared.clock import iso_from_ms
from shared.http.address import base_url
from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply
from shared.http.errors import ApiError, forbidden, limited, not_found
from shared.media_api import LINK_SECONDS, Ask

TAG = "attachments"
PATH = "/api/attachments"
ONE = "/api/attachments/{attachment}"


class Attachments:
    """The handlers."""

    def __init__(self, pool: Pool, rules: FileRules) -> None:
        self._pool = pool
        self._rules = rules

    async def announce(self, call: Call[NewAttachment, Nothing]) -> Reply:
        given = call.body
        wanted = Announcement(
            conversation_id=given.conversation_id.lower() if given.conversation_id else None,
            client_id=given.client_id,
            kind=given.typed(),
            name=given.named(),
            content_type=given.content_type,
            size=given.bounded(self._rules.most_bytes),
            width=given.width,
            height=given.height,
            duration_ms=given.duration_ms,
            waveform=encoded_waveform(given.waveform),
            thumbhash=given.thumbhash,
            is_encrypted=bool(given.encrypted),
            poster=given.poster.lower() if given.poster else None,
        )
        found = await announce(self._pool, call.user_id, wanted, user_bytes=self._rules.user_bytes)
        if not isinstance(found, Announced):
            raise _refusal(found)
        return Reply(201 if found.is_new else 200, self._answer(call, found))

    def _answer(self, call: Call[NewAttachment, Nothing], found: Announced) -> AnnouncedAnswer:
        media = self._rules.media_url or base_url(call.request)
        url = f"{media}{PATH}/{found.upload.id}/content"
        return AnnouncedAnswer(found.upload, UploadTarget(url, 0, iso_from_ms(int(found.expires_at * 1000))))

    async def state(self, call: Call[Nothing, Nothing]) -> StateAnswer:
        found = await state(self._pool, call.user_id, call.ids["attachment"])
        if found is None:
            raise _no_such_attachment()
        return StateAnswer(found)

    async def link(self, call: Call[WantedLink, Nothing]) -> LinkAnswer:
        attachment_id, variant = call.ids["attachment"], call.body.variant or ""
        [file] = await access(self._pool, [Ask(attachment_id, call.user_id)])
        if file is None or (variant and file.thumb is None):
            raise _no_such_attachment()
        return LinkAnswer(*address_of(self._rules, attachment_id, call.user_id, base_url(call.request), variant))


def _refusal(found: NotAMember | NoSuchPoster | OverQuota) -> ApiError:
    match found:
        case OverQuota(seconds):
            return limited(seconds)
        case NoSuchPoster():
            return not_found("the poster is no picture of yours that is ready")
    return forbidden()


def _no_such_attachment() -> ApiError:
    return not_found("there is no such attachment for you")


def endpoints(pool: Pool, rules: FileRules) -> list[Endpoint]:
    handlers = Attachments(pool, rules)
    return [*_of_files(handlers), *_of_links(handlers)]


def _of_files(handlers: Attachments) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=PATH,
            name="createAttachment",
            handler=handlers.announce,
            summary="Announce a file",
            description="Gives it an id, and says where its bytes go. The same `clientId` again gives 200 and the first"
            " one. 413 above `ATTACHMENT_BYTES`; 429 above what one user announces in a day,"
            " `ATTACHMENT_USER_BYTES`.",
            tag=TAG,
            body=NewAttachment,
            cost=FLAT,
            response=AnnouncedAnswer,
            statuses=(201, 200),
            errors=(403, 404),
        ),
        Endpoint(
            method="GET",
            path=f"{ONE}/state",
            name="getAttachmentState",
            handler=handlers.state,
            summary="Ask what became of a file of the caller",
            description="The frames `attachment.ready` and `attachment.rejected` tell the caller's devices the same.",
            tag=TAG,
            cost=FLAT,
            response=StateAnswer,
            errors=(404,),
        ),
    ]


def _of_links(handlers: Attachments) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=f"{ONE}/link",
            name="createAttachmentLink",
            handler=handlers.link,
            summary="Get an address of a file that needs no header",
            description=f"For players and `<img>`. It ends after {LINK_SECONDS} seconds, and at once where the caller"
            " may no longer see the file. The body may be left out.",
            tag=TAG,
            body=WantedLink,
            body_optional=True,
            cost=FLAT,
            response=LinkAnswer,
            errors=(404,),
        ),
    ]
