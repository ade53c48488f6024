"""From what an app gives to the draft that is sent."""

from persistence.messages.shapes import NewMessage
from persistence.messages.views import Draft
from persistence.rules import Rules
from shared.ids import new_id


def draft_of(
    given: NewMessage, sender_id: str, rules: Rules, *, client_id: str | None, span: bytes | None = None
) -> Draft:
    """Raises ApiError 400 for what its shape does not say."""
    return Draft(
        id=new_id(),
        sender_id=sender_id,
        text=given.trimmed(),
        client_id=client_id,
        reply_to=given.reply_to.lower() if given.reply_to else None,
        media_url=given.address(rules),
        opaque=bool(given.opaque),
        span=span,
        data=given.extra(),
        carried=given.carries(rules),
    )
