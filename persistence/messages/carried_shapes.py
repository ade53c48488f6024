"""The shapes of what a message carries beside its text, as apps send them."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from persistence.messages.carrying import MOST_FOR_MEMBERS
from persistence.messages.views import Carried, Source
from persistence.rules import Rules
from shared import texts
from shared.events.message_new import Preview
from shared.http.errors import malformed
from shared.http.fields import Id
from shared.texts import CONTROLS, INVISIBLE

MOST_MENTIONS: Final = 50
MOST_SECONDS: Final = 7_776_000
"""90 days: for longer no message is given a time to live."""

MediaUrl = Annotated[
    str,
    Meta(
        max_length=2048,
        description="an absolute URL without blanks and control characters; other schemes by MEDIA_URL_SCHEMES",
        extra_json_schema={"pattern": rf"^https://[^/?#\s{CONTROLS}{INVISIBLE}][^\s{CONTROLS}{INVISIBLE}]*$"},
    ),
]

Mentions = (
    Annotated[
        list[Id],
        Meta(max_length=MOST_MENTIONS, description="users; who is not in the conversation is left out"),
    ]
    | Annotated[
        Literal["all"],
        Meta(description=f"everybody; in a group above {MOST_FOR_MEMBERS} people by admins and owners alone"),
    ]
)

Seconds = Annotated[
    int,
    Meta(ge=1, le=MOST_SECONDS, description="seconds from the sending on; then the message is gone, for all"),
]


class ForwardBody(msgspec.Struct, rename="camel"):
    """A message that the caller sees."""

    conversation_id: Id
    message_id: Id

    def source(self) -> Source:
        return Source(self.conversation_id.lower(), self.message_id.lower())


class PreviewBody(msgspec.Struct):
    """What a link leads to, as the app found it: kept on one line, without control and bidi characters."""

    url: MediaUrl
    title: Annotated[str, Meta(max_length=200)] | None = None
    description: Annotated[str, Meta(max_length=500)] | None = None

    def preview(self, rules: Rules) -> Preview:
        """Raises ApiError 400 where its url is none of a scheme that the deployment takes."""
        check_address("preview.url", self.url, rules)
        return Preview(self.url, texts.line(self.title or "") or None, texts.line(self.description or "") or None)


def check_address(field: str, address: str, rules: Rules) -> None:
    """Raises ApiError 400 where it is no URL of a scheme that the deployment takes."""
    if not texts.is_address(address, rules.media_schemes):
        schemes = " or ".join(f"{scheme}:" for scheme in rules.media_schemes)
        raise malformed(field, f"expected a URL that begins with {schemes}, without blanks")


def named(mentions: Sequence[str] | None) -> tuple[str, ...]:
    """Each of them once, in their order; none for all, or nobody."""
    if mentions is None or isinstance(mentions, str):
        return ()
    return tuple(dict.fromkeys(one.lower() for one in mentions))


def carried(
    mentions: Any, forward: ForwardBody | None, preview: PreviewBody | None, expires_in: int | None, rules: Rules
) -> Carried | None:
    """None where there is nothing of it, as in nearly every message. Raises ApiError 400."""
    if mentions is None and forward is None and preview is None and expires_in is None:
        return None
    return Carried(
        mentions=named(mentions),
        all=mentions == "all",
        forward=None if forward is None else forward.source(),
        preview=None if preview is None else preview.preview(rules),
        expires_in=expires_in,
    )
