"""`message.new`: the one kind that counts. Its events are the rows of `messages`; nothing of it stands in `events`."""

from msgspec import UNSET, Raw, UnsetType

from shared.events.kind import Body, EventKind


class Forwarded(Body, frozen=True):
    """Who wrote what was forwarded. Nothing tells where."""

    sender_id: str


class Preview(Body, frozen=True):
    """What a link leads to, as the sender's app found it: the server fetches nothing."""

    url: str
    title: str | None = None
    description: str | None = None


Mentioned = list[str] | str
"""Ids of users, or `all`."""


class MessageNew(Body, frozen=True):
    """The message as it stands now: what is read later may differ from what was published.

    What follows `status` is there only where it is set. `reactions` are `[{emoji, count}]`: the frame is for all, so
    none of them says `mine`. `rev` is the seq of the last event that touched the message, if any did.
    `expires_at`: from then on the message counts as deleted, and no event tells of it.
    """

    message_id: str
    sender_handle: str | None
    text: str
    client_id: str | None
    reply_to: str | None
    media_url: str | None
    created_at: str
    status: str | UnsetType = "sent"
    opaque: bool | UnsetType = UNSET
    rev: int | UnsetType = UNSET
    is_pinned: bool | UnsetType = UNSET
    edited_at: str | UnsetType = UNSET
    deleted_at: str | UnsetType = UNSET
    deleted_by: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    reactions: Raw | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    mentions: Mentioned | UnsetType = UNSET
    forwarded: Forwarded | UnsetType = UNSET
    preview: Preview | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    attachments: Raw | UnsetType = UNSET
    placeholder: bool | UnsetType = UNSET


MESSAGE_NEW = EventKind(1, "message.new", MessageNew, shows_message=True)
