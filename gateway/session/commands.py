"""What a client's frame says: bytes in, a typed command or the reason why it is none out. No I/O."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta

from shared.http.decoding import check_depth
from shared.http.errors import ApiError
from shared.http.fields import WORD_PATTERN
from shared.ids import canonical_id

MAX_REF_CHARACTERS = 128
_EXACT_IN_A_DOUBLE = 2**53
"""A ref that is a number comes back as it was: JavaScript keeps whole numbers up to here."""

_Text = Annotated[str, Meta(max_length=MAX_REF_CHARACTERS, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=WORD_PATTERN)]
MAX_DATA_BYTES = 2048
_Whole = Annotated[int, Meta(ge=-_EXACT_IN_A_DOUBLE, le=_EXACT_IN_A_DOUBLE)]
_Seq = Annotated[int, Meta(ge=0, le=_EXACT_IN_A_DOUBLE)]
MAX_CURSORS = 100
_Cursors = Annotated[dict[str, _Seq], Meta(max_length=MAX_CURSORS)]
Ref: TypeAlias = _Text | _Whole | None


class _Frame(msgspec.Struct, frozen=True, rename="camel", tag_field="type", gc=False):
    """Each kind says what it costs: `tokens` of RATE_LIMIT_FRAMES, of which its header takes the first. One that costs
    its gateway more than a look-up must say more, and be charged for that where it is handled.
    """

    ref: Ref = None


class _InConversation(_Frame, frozen=True, kw_only=True):
    conversation_id: str


class Ping(_Frame, frozen=True, tag="ping"):
    """`cursors`: conversations of which the client believes that it has everything up to that seq."""

    tokens: ClassVar[int] = 1
    cursors: _Cursors | None = None


class Join(_InConversation, frozen=True, tag="join"):
    tokens: ClassVar[int] = 1


class Leave(_InConversation, frozen=True, tag="leave"):
    tokens: ClassVar[int] = 1


class Typing(_InConversation, frozen=True, tag="typing", kw_only=True):
    tokens: ClassVar[int] = 1
    is_typing: bool


class State(_Frame, frozen=True, tag="state", kw_only=True):
    tokens: ClassVar[int] = 1
    active: bool


class Delivered(_InConversation, frozen=True, tag="delivered", kw_only=True):
    tokens: ClassVar[int] = 1
    seq: _Seq


class Read(_InConversation, frozen=True, tag="read", kw_only=True):
    tokens: ClassVar[int] = 1
    seq: _Seq


class AppEvent(_InConversation, frozen=True, tag="event", kw_only=True):
    """An app's own. `data` is JSON, of at most MAX_DATA_BYTES. Its room has a limit of its own, by the room's size."""

    tokens: ClassVar[int] = 1
    name: _Name
    data: msgspec.Raw = msgspec.Raw(b"null")


class Auth(_Frame, frozen=True, tag="auth", kw_only=True):
    tokens: ClassVar[int] = 1
    token: str


Command: TypeAlias = Ping | Join | Leave | Typing | State | Delivered | Read | AppEvent | Auth
ErrorCode: TypeAlias = Literal["malformed_frame", "unknown_type"]


class BadFrame(NamedTuple):
    """Why a frame is no command, for the client's developer: a stable word, a sentence, and its ref if it had one."""

    code: ErrorCode
    message: str
    ref: str | int | None = None


class _Envelope(msgspec.Struct):
    type: Any = None
    ref: Ref = None


_KNOWN_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Command))
_commands = msgspec.json.Decoder(Command)
_envelopes = msgspec.json.Decoder(_Envelope)


def decode(data: bytes) -> Command | BadFrame:
    """A frame's command, its conversation ids in canonical form. Fields that nobody knows are ignored."""
    try:
        command = _commands.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _explain(data, error)
    except RecursionError:
        return BadFrame("malformed_frame", "The frame is nested too deeply")
    if isinstance(command, Ping):
        return command if command.cursors is None else _with_canonical_cursors(command, command.cursors)
    if isinstance(command, AppEvent) and (problem := _problem_of(command.data)):
        return BadFrame("malformed_frame", problem, command.ref)
    return _canonical(command) if isinstance(command, _InConversation) else command


def _problem_of(data: msgspec.Raw) -> str | None:
    """What is wrong with an event's data, of which a raw value was only looked over: others are to decode it."""
    if len(data) > MAX_DATA_BYTES:
        return f"data has more than {MAX_DATA_BYTES} bytes"
    try:
        check_depth(bytes(data))
        msgspec.json.decode(data)
    except (ApiError, msgspec.DecodeError, UnicodeDecodeError):
        return "data is not strict JSON, at most 32 deep"
    return None


def _with_canonical_cursors(command: Ping, cursors: dict[str, int]) -> Command | BadFrame:
    known = {canonical_id(given): seq for given, seq in cursors.items()}
    if None in known:
        return BadFrame("malformed_frame", "cursors has a key that is not a UUID", command.ref)
    return msgspec.structs.replace(command, cursors=known)


def _canonical(command: _InConversation) -> Command | BadFrame:
    canonical = canonical_id(command.conversation_id)
    if canonical is None:
        return BadFrame("malformed_frame", "conversationId is not a UUID", command.ref)
    if canonical == command.conversation_id:
        return command  # type: ignore[return-value] # every kind of it is a Command
    return msgspec.structs.replace(command, conversation_id=canonical)  # type: ignore[return-value]


def _explain(data: bytes, error: Exception) -> BadFrame:
    try:
        envelope = _envelopes.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        envelope = _Envelope()
    if isinstance(envelope.type, str) and envelope.type not in _KNOWN_TYPES:
        return BadFrame("unknown_type", "No frame has this type", envelope.ref)
    return BadFrame("malformed_frame", str(error)[:200], envelope.ref)
