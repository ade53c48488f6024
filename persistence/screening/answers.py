"""What a sender is told of a message that is not sent at once."""

from typing import Final

import msgspec

from persistence.messages.views import Draft
from persistence.screening.held import MOST, HeldMessage, TooManyHeld
from persistence.screening.screening import Decided, Passed
from persistence.screening.verdicts import Held, Rejected, Rewritten, Unavailable, Verdict
from shared.http.errors import ApiError, ErrorBody, at_limit, unavailable

RETRY_SECONDS: Final = 5.0


class RejectedBody(ErrorBody):
    """The error, and why."""

    reason: str = ""


class HeldAnswer(msgspec.Struct):
    """A moderator decides whether it is sent; sent again with its `clientId` meanwhile it is the same one."""

    held: HeldMessage


def passed_of(decided: Decided) -> tuple[Draft, str | None]:
    """What is sent, and why moderators look at it. Raises ApiError for what is not."""
    if isinstance(decided, Passed):
        return decided.draft, decided.review
    if isinstance(decided, TooManyHeld):
        raise at_limit(f"{MOST} messages that wait for a moderator")
    if isinstance(decided, Unavailable):
        raise _unavailable()
    assert isinstance(decided, Rejected), "a held message is no refusal"
    raise rejected(decided.reason)


def edited(verdict: Verdict | None, text: str) -> str:
    """The text that the message gets. Raises ApiError where it stays as it is."""
    match verdict:
        case Rejected(reason):
            raise rejected(reason)
        case Unavailable():
            raise _unavailable()
        case Held():
            raise ApiError(422, "held", "this text would have to wait for a moderator: send it as a new message")
        case Rewritten(other):
            return other
    return text


def rejected(reason: str) -> ApiError:
    error = ApiError(422, "rejected", "this message is not allowed here")
    error.body = RejectedBody(error.body.error, error.body.code, reason=reason)
    return error


def _unavailable() -> ApiError:
    return unavailable("messages cannot be checked at the moment, try again", RETRY_SECONDS)
