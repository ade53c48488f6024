"""`/api/sync`: bringing a client up to date after any absence."""

from persistence.database.pool import Pool
from persistence.sync import sync
from persistence.sync.shapes import SyncBody
from persistence.sync.views import Place, Sync
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing

MAX_SYNC_BYTES = 1024 * 1024
"""About 20,000 conversations."""


def endpoints(pool: Pool) -> list[Endpoint]:
    async def bring_up_to_date(call: Call[SyncBody, Nothing]) -> Sync:
        known = {key.lower(): seq for key, seq in call.body.conversations.items()}
        as_of = None if call.body.as_of is None else int(call.body.as_of)
        after = None if call.body.after is None else Place.from_text(call.body.after)
        return await sync.sync(pool, call.user_id, known, as_of, after=after, compact=bool(call.body.compact))

    return [
        Endpoint(
            method="POST",
            path="/api/sync",
            name="sync",
            handler=bring_up_to_date,
            summary="Get all that happened since",
            description="Every durable event after the seqs named; of conversations not named the newest 50, and"
            " `firstSeq` says where they begin. Cursors that moved since `asOf`, or all of them without it."
            " `complete: false` says: sync again from `lastSeq`. Another `epoch` says: the database was restored,"
            " forget local state. Where more conversations wait than one answer holds, it gives `next`: ask again with"
            " `after: next` and the same `asOf`; keep the `asOf` of the first of these answers. With `compact` an old"
            " message that was touched is told once, as it stands, however often it was; `hidden` are messages that the"
            " caller deleted for themselves alone since `asOf`.",
            tag="sync",
            body=SyncBody,
            cost=Cost(lambda body, _: len(body.conversations), per=100),
            response=Sync,
            max_body_bytes=MAX_SYNC_BYTES,
        )
    ]
