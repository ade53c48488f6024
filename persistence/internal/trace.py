"""`/internal/messages/{id}/trace`: the whole life of a message, for operators."""

from persistence.database.pool import Pool
from persistence.trace.store import Trace, trace
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import not_found


def endpoints(pool: Pool) -> list[Endpoint]:
    async def read(call: Call[Nothing, Nothing]) -> Trace:
        found = await trace(pool, call.ids["id"])
        if found is None:
            raise not_found("there is no such message")
        return found

    return [
        Endpoint(
            method="GET",
            path="/internal/messages/{id}/trace",
            handler=read,
            summary="The whole life of a message",
            response=Trace,
            errors=(404,),
        )
    ]
