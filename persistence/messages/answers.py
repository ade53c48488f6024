"""From what a store found to what its caller is told: the errors that all routes of one message share."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from persistence.attachments.views import NoSuchFiles
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages.edits import BadText, Changed, TooLate
from persistence.messages.held import AtLimit, Deleted, NoSuchMessage
from persistence.messages.views import (
    Message,
    NoSuchReply,
    NoSuchSource,
    NotAllowed,
    NotForAll,
    ReadsOnly,
    Slow,
    SourceDeleted,
    SourceHasFiles,
)
from shared.http.errors import (
    ApiError,
    ErrorBody,
    at_limit,
    blocked,
    deleted,
    forbidden,
    malformed,
    muted,
    no_such_message,
    not_allowed,
    slow,
)

Found = TypeVar("Found")


class ChangedBody(ErrorBody):
    """The error, and the message as it stood when the log had come so far."""

    message: Message | None = None
    as_of_seq: int | None = None


def told(found: Any, wanted: type[Found]) -> Found:
    """What was wanted. Raises ApiError for each refusal."""
    if isinstance(found, wanted):
        return found
    raise refusal(found)


def refusal(found: Any) -> ApiError:
    """What the caller is told of an outcome that is a refusal."""
    return _PLAIN[type(found)]() if type(found) in _PLAIN else _detailed(found)


_PLAIN: Final[Mapping[type[Any], Callable[[], ApiError]]] = MappingProxyType(
    {
        NotAMember: forbidden,
        Withdrew: blocked,
        NoSuchMessage: no_such_message,
        NotAllowed: lambda: not_allowed("only somebody else may do this to the message"),
        Deleted: deleted,
        NoSuchReply: lambda: malformed("replyTo", "there is no such message in this conversation"),
        NoSuchSource: no_such_message,
        NoSuchFiles: lambda: malformed(
            "attachments", "expected files of the caller that are ready, unused, and made for this conversation"
        ),
        SourceDeleted: deleted,
        SourceHasFiles: lambda: malformed("attachments", "not together with a forward of a message that has files"),
        ReadsOnly: lambda: not_allowed("only admins and owners send in this group"),
        NotForAll: lambda: not_allowed("in a group of this size only admins and owners mention all"),
        TooLate: lambda: ApiError(403, "too_late", "messages can be edited for a while only"),
    }
)


def _detailed(found: Any) -> ApiError:
    match found:
        case Muted(until):
            return muted(until)
        case AtLimit(what):
            return at_limit(what)
        case Slow(seconds):
            return slow(seconds)
        case BadText(fault):
            return malformed("text", fault)
        case Changed(message, as_of_seq):
            error = ApiError(409, "changed", "somebody changed the message meanwhile: here is how it stands")
            error.body = ChangedBody(error.body.error, error.body.code, message=message, as_of_seq=as_of_seq)
            return error
    raise AssertionError(f"no answer is known for {type(found).__name__}")
