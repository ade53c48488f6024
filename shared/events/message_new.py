"""`message.new`: the one kind that counts. Its events are the rows of `messages`; nothing of it stands in `events`."""

from msgspec import UNSET, UnsetType

from shared.events.kind import Body, EventKind


class MessageNew(Body, frozen=True):
    """The message as it stands now: what is read later may differ from what was published.

    `opaque` is there only where it is true.
    """

    message_id: str
    sender_handle: str | None
    text: str
    client_id: str | None
    reply_to: str | None
    media_url: str | None
    created_at: str
    status: str = "sent"
    opaque: bool | UnsetType = UNSET


MESSAGE_NEW = EventKind(1, "message.new", MessageNew, shows_message=True)
