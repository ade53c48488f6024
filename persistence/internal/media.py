"""What media asks and tells: `/internal/media`."""

import msgspec

from persistence.attachments import uploads
from persistence.attachments.access import access
from persistence.attachments.collecting import Collector
from persistence.database.pool import Pool
from persistence.internal.question import question
from persistence.log.delivery import Delivery
from persistence.users.refusals import Refusals
from shared import frames, media_api
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import malformed
from shared.ids import canonical_id


class MediaRoutes:
    """The handlers."""

    def __init__(self, pool: Pool, delivery: Delivery, refusals: Refusals, collector: Collector) -> None:
        self._pool = pool
        self._delivery = delivery
        self._refusals = refusals
        self._collector = collector

    async def access(self, call: Call[media_api.AccessRequest, Nothing]) -> media_api.AccessAnswer:
        asks = call.body.asks
        if len(asks) > media_api.MOST_ASKS:
            raise malformed("asks", f"at most {media_api.MOST_ASKS} at once")
        told = [self._is_welcome(ask.user_id, ask.session_id) for ask in asks]
        known = [_canonical(ask) for ask, is_welcome in zip(asks, told, strict=True) if is_welcome]
        files = iter(await access(self._pool, known))
        return media_api.AccessAnswer(files=[next(files) if is_welcome else None for is_welcome in told])

    def _is_welcome(self, user_id: str, session_id: str | None) -> bool:
        return not self._refusals.is_refused(user_id, session_id)

    async def look(self, call: Call[media_api.UploadRequest, Nothing]) -> media_api.UploadAnswer:
        asked = call.body
        if not self._is_welcome(asked.user_id, asked.session_id):
            return media_api.UploadAnswer(media_api.State.MISSING)
        return await uploads.look(self._pool, _id(asked.attachment_id), _id(asked.user_id))

    async def begin(self, call: Call[media_api.UploadRequest, Nothing]) -> media_api.UploadAnswer:
        asked = call.body
        if not self._is_welcome(asked.user_id, asked.session_id):
            return media_api.UploadAnswer(media_api.State.MISSING)
        return await uploads.begin(self._pool, _id(asked.attachment_id), _id(asked.user_id), _id(asked.writer))

    async def drop(self, call: Call[media_api.UploadRequest, Nothing]) -> media_api.UploadAnswer:
        asked = call.body
        if not self._is_welcome(asked.user_id, asked.session_id):
            return media_api.UploadAnswer(media_api.State.MISSING)
        return await uploads.drop(self._pool, _id(asked.attachment_id), _id(asked.user_id))

    async def keep(self, call: Call[media_api.KeepRequest, Nothing]) -> media_api.KeepAnswer:
        return await uploads.keep(self._pool, _id(call.body.attachment_id), _id(call.body.writer))

    async def end(self, call: Call[media_api.KeepRequest, Nothing]) -> media_api.KeepAnswer:
        asked = call.body
        return await uploads.end(self._pool, _id(asked.attachment_id), _id(asked.writer), complete=asked.complete)

    async def claim(self, call: Call[media_api.ClaimRequest, Nothing]) -> media_api.ClaimAnswer:
        return media_api.ClaimAnswer(jobs=await uploads.claim(self._pool, _id(call.body.writer), call.body.limit))

    async def finished(self, call: Call[media_api.FinishedRequest, Nothing]) -> media_api.FinishedAnswer:
        settled = await uploads.finished(self._pool, call.body)
        if settled is not None:
            shown = msgspec.Raw(msgspec.json.encode(settled.upload))
            self._delivery.to_user(settled.owner_id, frames.attachment(settled.upload.state, shown))
        return media_api.FinishedAnswer(kept=settled is not None)

    async def garbage(self, call: Call[media_api.GarbageRequest, Nothing]) -> media_api.GarbageAnswer:
        blobs, parts = await self._collector.garbage(call.body.limit)
        return media_api.GarbageAnswer(blobs=blobs, parts=parts)

    async def collected(self, call: Call[media_api.CollectedRequest, Nothing]) -> media_api.Done:
        await self._collector.collected(call.body.blobs, call.body.parts)
        return media_api.Done()


def _canonical(ask: media_api.Ask) -> media_api.Ask:
    return media_api.Ask(_id(ask.attachment_id), _id(ask.user_id), ask.session_id)


def _id(given: str) -> str:
    known = canonical_id(given)
    if known is None:
        raise malformed(None, "expected UUIDs")
    return known


def endpoints(routes: MediaRoutes) -> list[Endpoint]:
    upload, kept = (media_api.UploadRequest, media_api.UploadAnswer), (media_api.KeepRequest, media_api.KeepAnswer)
    return [
        question(media_api.ACCESS, routes.access, media_api.AccessRequest, media_api.AccessAnswer),
        question(media_api.LOOK, routes.look, *upload),
        question(media_api.BEGIN, routes.begin, *upload),
        question(media_api.DROP, routes.drop, *upload),
        question(media_api.KEEP, routes.keep, *kept),
        question(media_api.END, routes.end, *kept),
        question(media_api.CLAIM, routes.claim, media_api.ClaimRequest, media_api.ClaimAnswer),
        question(media_api.FINISHED, routes.finished, media_api.FinishedRequest, media_api.FinishedAnswer),
        question(media_api.GARBAGE, routes.garbage, media_api.GarbageRequest, media_api.GarbageAnswer),
        question(media_api.COLLECTED, routes.collected, media_api.CollectedRequest, media_api.Done),
    ]
