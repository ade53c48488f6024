"""An internal route as it is declared: a question that a gateway or a pusher posts."""

import msgspec

from shared.http.endpoint import Endpoint, Handler

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A thousand look-ups, or the texts of a thousand targets, at once."""


def question(path: str, handler: Handler, body: type[msgspec.Struct], response: type[msgspec.Struct]) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        handler=handler,
        summary=path,
        body=body,
        response=response,
        max_body_bytes=MAX_BODY_BYTES,
    )
