"""What is published, and how: commands with a mark in them, to Redis or to a broker of its own."""

from dataclasses import dataclass
from time import time_ns

import msgspec

from gateway.bus.link import encode
from shared import frames, wire
from shared.events.message_new import MESSAGE_NEW, MessageNew
from tests.bench.load.marks import PLACE, mark, split
from tests.bench.seats import conversation_id, user_id

FILLER = b"x" * 64
"""Of larger payloads, in pieces that a client can leave out of what it keeps."""
MOMENT = "2026-11-22T20:15:04.123Z"


def payload(room: int, size: int = 0) -> bytes:
    """A real `message.new` with the mark as its text, the same for every system; about `size` characters more."""
    text = PLACE + FILLER.decode() * (size // len(FILLER))
    return frames.durable(
        MESSAGE_NEW.name,
        timestamp=MOMENT,
        conversation_id=conversation_id(room),
        seq=1,
        sender_id=user_id(0),
        body=msgspec.json.encode(MessageNew(user_id(-1), "ann", text, None, None, None, MOMENT)),
    )


@dataclass(frozen=True)
class Publishing:
    """`parts` are one room's command around the mark; it must reach a process of its own, so it holds bytes only.

    With an `epoch` the payload is enveloped as persistence does it: durable events, each room's seq going up by one.
    """

    port: int
    hello: bytes
    parts: list[tuple[bytes, bytes]]
    epoch: str | None = None
    sender: str | None = None

    def command(self, number: int, at_ns: int) -> bytes:
        """The event `number`, due at `at_ns`: round-robin over the rooms."""
        nth, room = divmod(number, len(self.parts))
        before, after = self.parts[room]
        if self.epoch is None:
            return before + mark(at_ns, number) + after
        head, frame = before.split(b"\0", 1)
        envelope = wire.pack(
            wire.Kind.DURABLE,
            frame + mark(at_ns, number) + after,
            seq=nth + 1,
            committed_us=time_ns() // 1000,
            sender=self.sender,
            epoch=self.epoch,
        )
        return head + envelope + b"\r\n"


def to_redis(port: int, password: str, command: str, channels: list[str], payloads: list[bytes]) -> Publishing:
    parts = [
        split(encode(command.encode(), channel.encode(), body))
        for channel, body in zip(channels, payloads, strict=True)
    ]
    return Publishing(port, encode(b"AUTH", password.encode()), parts)


def to_parley(port: int, password: str, channels: list[str], epoch: str, size: int = 0) -> Publishing:
    parts = [_enveloped(channel, payload(room, size)) for room, channel in enumerate(channels)]
    return Publishing(port, encode(b"AUTH", password.encode()), parts, epoch, user_id(0))


def _enveloped(channel: str, frame: bytes) -> tuple[bytes, bytes]:
    """A NUL, which no JSON holds, marks where the envelope's prefix goes."""
    before, after = split(frame)
    length = wire.PREFIX_BYTES + len(frame)
    head = b"*3\r\n$8\r\nSPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n" % (len(channel), channel.encode(), length)
    return head + b"\0" + before, after
