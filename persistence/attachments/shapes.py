"""The shapes of files as apps announce them."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from persistence.attachments.views import Upload
from shared.http.errors import ApiError, malformed
from shared.http.fields import MAX_SEQ, ClientId, Id
from shared.texts import CONTROLS

MOST_PEAKS = 512
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
NAME_PATTERN = rf"^[^{CONTROLS}{_BIDI}]*$(?!\n)"
TYPE_PATTERN = r"^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}(?:;[ -~]{0,120})?$(?!\n)"
HASH_PATTERN = r"^[A-Za-z0-9+/_-]{1,64}={0,2}$(?!\n)"

Kind = Literal["image", "video", "voice", "file", "avatar"]
Side = Annotated[int, Meta(ge=1, le=100_000)]

_PLACE = {
    "anyOf": [
        {
            "required": ["conversationId"],
            "properties": {
                "conversationId": {"type": "string"},
                "kind": {"enum": ["image", "video", "voice", "file", None]},
            },
        },
        {"properties": {"conversationId": {"type": "null"}, "kind": {"enum": ["avatar", None]}}},
    ]
}


class NewAttachment(msgspec.Struct, rename="camel"):
    json_schema: ClassVar[dict[str, Any]] = _PLACE

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            min_length=1,
            max_length=255,
            description="without control characters and marks of direction; slashes become _",
        ),
    ]
    size: Annotated[int, Meta(ge=1, le=MAX_SEQ, description="in bytes; above `ATTACHMENT_BYTES` it is 413")]
    content_type: Annotated[
        str, Meta(pattern=TYPE_PATTERN, max_length=250, description="what the sender takes it for; bytes decide")
    ]
    client_id: ClientId
    conversation_id: Annotated[Id | None, Meta(description="where it is to be used; none for an avatar")] = None
    kind: Kind | None = None
    width: Side | None = None
    height: Side | None = None
    duration_ms: Annotated[int, Meta(ge=0, le=10**10)] | None = None
    waveform: Annotated[list[Annotated[float, Meta(ge=-1e9, le=1e9)]], Meta(max_length=MOST_PEAKS)] | None = None
    thumbhash: Annotated[str, Meta(pattern=HASH_PATTERN, max_length=66, description="base64")] | None = None
    poster: Annotated[
        Id | None, Meta(description="a picture of the caller that is ready, shown as `variant=thumb`")
    ] = None
    encrypted: Annotated[
        bool | None, Meta(description="kept as it is: neither looked at, nor shown in place, nor with a thumbnail")
    ] = None

    def named(self) -> str:
        return self.name.replace("/", "_").replace("\\", "_")

    def typed(self) -> str:
        """Its kind. Raises ApiError 400 where an avatar is for a conversation, or something else for none."""
        if self.conversation_id is None:
            if self.kind not in (None, "avatar"):
                raise malformed("conversationId", "only an avatar has none")
            return "avatar"
        if self.kind == "avatar":
            raise malformed("kind", "an avatar is for no conversation")
        return self.kind or _kind_of(self.content_type)

    def bounded(self, most_bytes: int) -> int:
        """Its size. Raises ApiError 413."""
        if self.size > most_bytes:
            raise ApiError(413, "too_large", f"a file may have at most {most_bytes} bytes", field="size")
        return self.size


class UploadTarget(msgspec.Struct, rename="camel"):
    """Where its bytes go, by tus 1.0; `offset` is where they begin."""

    url: str
    offset: int
    expires_at: str


class AnnouncedAnswer(msgspec.Struct):
    attachment: Upload
    upload: UploadTarget


class StateAnswer(msgspec.Struct):
    attachment: Upload


class WantedLink(msgspec.Struct):
    variant: Literal["thumb"] | None = None


class LinkAnswer(msgspec.Struct, rename="camel"):
    """An address that needs no header. Who has it may read, as long as the caller may."""

    url: str
    expires_at: str


def _kind_of(content_type: str) -> str:
    main = content_type.partition("/")[0].lower()
    return main if main in ("image", "video") else "file"
