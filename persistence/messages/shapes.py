"""The shapes of messages as apps send them. What they refuse stands in the OpenAPI document."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.messages.carried_shapes import (
    ForwardBody,
    MediaUrl,
    Mentions,
    PreviewBody,
    Seconds,
    carried,
    check_address,
)
from persistence.messages.history import Choice, Which
from persistence.messages.texts import MAX_OPAQUE_BYTES, MAX_TEXT, fault_of, trimmed
from persistence.messages.views import Carried, Message
from persistence.paging import PageSize
from persistence.rules import Rules
from shared.http.errors import malformed
from shared.http.fields import (
    SHOWN_PATTERN,
    TEXT_PATTERN,
    ClientId,
    Id,
    Seq,
)

MAX_DATA_BYTES = 2048
"""As the server writes it: without blanks, in UTF-8."""


MOST_FILES = 10
"""Of a message."""

Files = Annotated[
    list[Id],
    Meta(
        max_length=MOST_FILES,
        description="ids of files of the caller that are ready, unused, and made for this conversation",
        extra_json_schema={"uniqueItems": True},
    ),
]


def files_of(given: Sequence[str]) -> list[str]:
    """Raises ApiError 400 where one is named twice."""
    ids = [one.lower() for one in given]
    if len(set(ids)) < len(ids):
        raise malformed("attachments", "one is named twice")
    return ids


RESERVED = ("scheduled:", "call:", "held:")
"""Client ids that begin so are the server's own."""


Text = Annotated[
    str,
    Meta(
        pattern=TEXT_PATTERN,
        description=f"1 to {MAX_TEXT} characters after trimming, of which something must show; no control characters"
        " but tab and newline; may be empty or left out beside `mediaUrl` and"
        " `attachments`",
    ),
]


Data = Annotated[
    Any,
    Meta(description=f"any JSON of the app's own, at most {MAX_DATA_BYTES:,} bytes; null counts as none"),
]


PageNumber = Annotated[int, Meta(ge=1, le=2**31, description="1 is the newest; ignored beside before and after")]


def extra_of(data: Any) -> str | None:
    """An app's own JSON as text; None for none. Raises ApiError 400 where there is too much of it."""
    if data is None:
        return None
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_DATA_BYTES:
        raise malformed("data", f"at most {MAX_DATA_BYTES} bytes")
    return encoded.decode()


class HistoryQuery(msgspec.Struct, rename="camel"):
    """A page counted from the newest, or what lies before, after, between or around seqs: of all, of the pinned, or of
    the replies to a message."""

    page: PageNumber = 1
    limit: PageSize = 50
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET
    around: (
        Annotated[Seq, Meta(description="half of the page lies before it; before and after do not count then")]
        | UnsetType
    ) = UNSET
    pinned: bool | UnsetType = UNSET
    reply_to: Annotated[Id, Meta(description="a message: the replies to it")] | UnsetType = UNSET
    has: Annotated[Literal["attachment"], Meta(description="those with files alone")] | UnsetType = UNSET

    def choice(self) -> Choice:
        """What is named together is asked together."""
        reply_to = self.reply_to.lower() if isinstance(self.reply_to, str) else None
        asked = {"PINNED": self.pinned is True, "FILES": isinstance(self.has, str), "REPLIES": reply_to is not None}
        return Choice(Which["_".join(name for name, is_asked in asked.items() if is_asked) or "ALL"], reply_to)


class Pagination(msgspec.Struct, rename="camel"):
    """`total` counts all messages that the caller can see. `page` is null beside `before` and `after`."""

    page: int | None
    limit: int
    total: int
    has_more: bool


_SHOWN = {
    "anyOf": [
        {"$ref": "#/components/schemas/Message"},
        {
            "type": "object",
            "description": "In place of a message that the caller deleted for themselves alone.",
            "properties": {"id": {"type": "string"}, "seq": {"type": "integer"}, "hidden": {"const": True}},
            "required": ["id", "seq", "hidden"],
        },
    ]
}


class HistoryAnswer(msgspec.Struct, rename="camel"):
    """Oldest first. `asOfSeq`: the messages are as they were when the log had come so far."""

    messages: Annotated[list[Any], Meta(extra_json_schema={"items": _SHOWN})]
    pagination: Pagination
    as_of_seq: int


class SendQuery(msgspec.Struct):
    """`check`: what the app's own server sends is checked as a user's message is."""

    check: bool | UnsetType = UNSET


class NewMessage(msgspec.Struct, rename="camel"):
    json_schema: ClassVar[dict[str, Any]] = {
        "allOf": [
            {
                "anyOf": [
                    {"required": ["text"], "properties": {"text": {"type": "string", "pattern": SHOWN_PATTERN}}},
                    {"required": ["mediaUrl"], "properties": {"mediaUrl": {"type": "string"}}},
                    {"required": ["forward"], "properties": {"forward": {"type": "object"}}},
                    {"required": ["attachments"], "properties": {"attachments": {"type": "array", "minItems": 1}}},
                ]
            },
            {
                "anyOf": [
                    {"properties": {"text": {"maxLength": MAX_TEXT}}},
                    {"required": ["opaque"], "properties": {"opaque": {"const": True}}},
                ]
            },
        ]
    }

    text: Text | None = None
    client_id: ClientId | None = None
    reply_to: Annotated[Id | None, Meta(description="a message of this conversation")] = None
    media_url: MediaUrl | None = None
    opaque: Annotated[
        bool | None,
        Meta(
            description="the text is the app's own, encrypted perhaps: no push and no list shows it. It may then have"
            f" {MAX_OPAQUE_BYTES:,} bytes of UTF-8"
        ),
    ] = None
    data: Data | None = None
    mentions: Mentions | None = None
    forward: Annotated[
        ForwardBody | None,
        Meta(description="a copy of its text and file is sent, which says who wrote it; `text` is not looked at then"),
    ] = None
    preview: PreviewBody | None = None
    expires_in: Seconds | None = None

    attachments: Files | None = None

    def files(self) -> list[str]:
        """The ids of its files. Raises ApiError 400 where one is named twice."""
        return files_of(self.attachments or ())

    def trimmed(self) -> str:
        """The text, empty only beside a mediaUrl, files or a forward. Raises ApiError 400 where nothing of it would
        show, or there is too much of it."""
        text = trimmed(self.text or "")
        may_be_empty = self.media_url is not None or self.forward is not None or bool(self.attachments)
        fault = fault_of(text, opaque=bool(self.opaque), beside_file=may_be_empty)
        if fault is not None:
            raise malformed("text", fault)
        return text

    def named(self) -> str | None:
        """The client id. Raises ApiError 400 for one that the server gives to what it sends by itself."""
        if self.client_id is not None and self.client_id.startswith(RESERVED):
            raise malformed("clientId", "expected none that begins with " + " or ".join(RESERVED))
        return self.client_id

    def extra(self) -> str | None:
        """The app's own JSON. Raises ApiError 400 where there is too much of it."""
        return extra_of(self.data)

    def address(self, rules: Rules) -> str | None:
        """The mediaUrl. Raises ApiError 400 where it is no URL of a scheme that the deployment takes."""
        if self.media_url is not None:
            check_address("mediaUrl", self.media_url, rules)
        return self.media_url

    def carries(self, rules: Rules) -> Carried | None:
        """What there is beside the text, as is the rule: nothing. Raises ApiError 400."""
        return carried(self.mentions, self.forward, self.preview, self.expires_in, rules)


class MessageAnswer(msgspec.Struct, rename="camel"):
    """`asOfSeq`: the message is as it was when the log had come so far."""

    message: Message
    as_of_seq: int
