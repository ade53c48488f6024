"""What an app is told when a request fails: `{"error": text, "code": word}`, and `field` where one is at fault."""

import msgspec

RETRY_SECONDS = 1.0
"""How soon it is worth asking again while a dependency is away: connections are retried within that time."""


class ErrorBody(msgspec.Struct, rename="camel", omit_defaults=True):
    """`code` is a stable word for programs, `error` a sentence for people, `field` the part of the request at fault,
    `until` when it may be tried again."""

    error: str
    code: str
    field: str | None = None
    until: str | None = None


class ApiError(Exception):
    """Answers the request with this status and body; raise it anywhere below a route.

    `retry_after` is in seconds, for 429 and 503. `field` is a path in the JSON body such as `participantIds[0]`, or the
    name of a parameter. `ends_connection`: what follows on it cannot be told from this request. `mutes`:
    what else of this connection would be refused until `retry_after`, and need not be read. The text is shown to
    strangers: nothing of the inside may stand in it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        error: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        ends_connection: bool = False,
        mutes_strangers: bool = False,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.body = ErrorBody(error, code, field)
        self.retry_after = retry_after
        self.ends_connection = ends_connection
        self.mutes_strangers = mutes_strangers


def malformed(field: str | None, message: str) -> ApiError:
    return ApiError(400, "malformed", message, field=field)


def unreadable() -> ApiError:
    return ApiError(400, "malformed", "the body could not be read to its end", field="body", ends_connection=True)


def late() -> ApiError:
    return ApiError(408, "timeout", "the body came too slowly", field="body", ends_connection=True)


def head_too_large(what: str) -> ApiError:
    return ApiError(431, "head_too_large", f"{what} is too large")


def unauthorized(message: str = "authentication required: send Authorization: Bearer and a token") -> ApiError:
    return ApiError(401, "unauthorized", message)


def forbidden(message: str = "you are not in this conversation, or there is none") -> ApiError:
    return ApiError(403, "forbidden", message)


def blocked() -> ApiError:
    return ApiError(403, "blocked", "you block the other one of this conversation: unblock them first")


def muted(until: str) -> ApiError:
    error = ApiError(403, "muted", "a moderator lets you say nothing in this conversation for a while")
    error.body.until = until
    return error


def not_found(message: str = "there is no such thing") -> ApiError:
    return ApiError(404, "not_found", message)


def no_such_message() -> ApiError:
    return ApiError(404, "no_such_message", "there is no such message in what you see of this conversation")


def not_allowed(message: str) -> ApiError:
    return ApiError(403, "not_allowed", message)


def at_limit(what: str) -> ApiError:
    return ApiError(409, "limit", f"at most {what}")


def deleted() -> ApiError:
    return ApiError(409, "deleted", "the message was deleted")


def too_large(max_bytes: int) -> ApiError:
    return ApiError(413, "too_large", f"the body may have at most {max_bytes} bytes")


def limited(retry_after: float, *, mutes_strangers: bool = False) -> ApiError:
    words = "too many requests, slow down"
    return ApiError(429, "rate_limited", words, retry_after=retry_after, mutes_strangers=mutes_strangers)


def slow(retry_after: float) -> ApiError:
    return ApiError(429, "slow", "this group is slow: wait before the next message", retry_after=retry_after)


def not_a_group() -> ApiError:
    return ApiError(409, "not_a_group", "this is a conversation of two people, and only a group can be changed so")


def unavailable(
    message: str = "a part of the service is away, try again", retry_after: float = RETRY_SECONDS
) -> ApiError:
    return ApiError(503, "unavailable", message, retry_after=retry_after)
