"""One connection to one Redis that does nothing but subscribe: bytes in, `on_message(channel, payload)` out.

Own code because it is the gateway's hot path (hiredis' reader alone takes a quarter of redis-py's time a message).
RESP2, whose replies come in the order of the commands; anything that does not fit that order ends the link, and its
owner starts another one: a link is either right or gone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, cast

import hiredis

from gateway.bus.address import RedisAddress

OnMessage = Callable[[bytes, bytes], object]
"""Called with (channel, payload) for each message, in Redis' order, on the loop, synchronously: it must not block."""

Reading = AbstractContextManager[object]
"""Entered around the messages of one read from the socket: what they have in common can be done once, at its end."""

CONNECT_SECONDS = 2.0
SUBSCRIBE, UNSUBSCRIBE, MESSAGE = b"ssubscribe", b"sunsubscribe", b"smessage"
_CALL = b"call"


class LinkRefused(Exception):
    """Redis answered the handshake with an error (a wrong password, say): try again later, and tell the operator."""


class LinkOwner(Protocol):
    """Whom a link tells what happens to it, synchronously. Nothing more comes after `link_down`; that alone may come
    before `connect` returned, which raises then."""

    def link_confirmed(self, channel: bytes) -> None:
        """Redis says that the channel is subscribed, and no later command of ours for it is under way."""

    def link_refused(self, channels: Sequence[bytes], error: str) -> None:
        """Redis answered a subscription with an error, such as MOVED; no later command for these is under way."""

    def link_revoked(self, channel: bytes) -> None:
        """Redis ended a subscription by itself: the channel's slot has moved to another node. Where a SUNSUBSCRIBE
        of ours is on its way, Redis only was faster."""

    def link_probed(self, payload: bytes) -> None:
        """A message on the probe channel."""

    def link_down(self, reason: str) -> None:
        """The link is gone, once."""


class _Command:
    """A command whose replies are not all here. Redis replies to (un)subscribing once for each channel, in order."""

    __slots__ = ("channels", "done", "kind", "reply")

    def __init__(
        self, kind: bytes, channels: Sequence[bytes] = (), reply: "asyncio.Future[object] | None" = None
    ) -> None:
        self.kind = kind
        self.channels = channels
        self.done = 0
        self.reply = reply

    def expects(self, kind: bytes, channel: bytes) -> bool:
        return self.kind == kind and self.channels[self.done] == channel


def encode(*words: bytes) -> bytes:
    """A command as RESP writes it (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


class RedisLink(asyncio.Protocol):
    """A connection that is subscribed to channels. It knows what is under way; what it is subscribed to, its owner."""

    def __init__(self, owner: LinkOwner, on_message: OnMessage, probe_channel: bytes, reading: Reading) -> None:
        self._owner = owner
        self._on_message = on_message
        self._reading = reading
        self.probe_channel = probe_channel
        self._unanswered: dict[bytes, int] = {}
        self._commands: deque[_Command] = deque()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._up = True

    @classmethod
    async def connect(
        cls,
        address: RedisAddress,
        *,
        name: str,
        owner: LinkOwner,
        on_message: OnMessage,
        reading: Reading,
        probe_channel: bytes,
    ) -> "RedisLink":
        """Connects, logs in and names the connection. Raises OSError (TimeoutError too) or LinkRefused."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            transport, link = await loop.create_connection(
                lambda: cls(owner, on_message, probe_channel, reading),
                address.host,
                address.port,
                ssl=address.tls,
                server_hostname=address.host if address.tls else None,
            )
            try:
                await link._introduce(address.login, name)
            except BaseException:
                link._up = False
                transport.abort()
                raise
        if not link._up:
            # It went down between Redis' last word and here, before its owner could be told.
            raise ConnectionResetError("closed by Redis after the handshake")
        return link

    async def _introduce(self, login: tuple[str, ...], name: str) -> None:
        if login:
            await self._call(b"AUTH", *(word.encode() for word in login))
        await self._call(b"CLIENT", b"SETNAME", name.encode())

    async def _call(self, *words: bytes) -> None:
        reply: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._send(encode(*words), [_Command(_CALL, reply=reply)])
        answer = await reply
        if isinstance(answer, Exception):
            raise LinkRefused(f"{words[0].decode()}: {answer}") from answer

    def settled(self, channel: bytes) -> bool:
        """No command for this channel is under way: Redis has confirmed the last one, or there was none."""
        return channel not in self._unanswered

    def change(self, subscribe: Iterable[Sequence[bytes]], unsubscribe: Iterable[Sequence[bytes]]) -> None:
        """Sends one command for each sequence of channels, all in one write."""
        commands = [_Command(SUBSCRIBE, channels) for channels in subscribe]
        commands += [_Command(UNSUBSCRIBE, channels) for channels in unsubscribe]
        unanswered = self._unanswered
        for command in commands:
            for channel in command.channels:
                unanswered[channel] = unanswered.get(channel, 0) + 1
        if commands:
            self._send(b"".join(encode(command.kind, *command.channels) for command in commands), commands)

    def end(self, reason: str) -> None:
        """Drops the connection at once: no message of it is delivered any more."""
        if self._transport is not None:
            self._transport.abort()
        self._down(reason)

    def _send(self, data: bytes, commands: Iterable[_Command]) -> None:
        assert self._transport is not None
        self._commands.extend(commands)
        if not self._transport.is_closing():  # else `connection_lost` is on its way, and uvloop would raise
            self._transport.write(data)

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        if not self._up:
            return
        try:
            with self._reading:
                self._read(data)
        except hiredis.ProtocolError as error:
            self.end(f"not RESP: {error}")

    def _read(self, data: bytes) -> None:
        gets, on_message, probe_channel = self._reader.gets, self._on_message, self.probe_channel
        self._reader.feed(data)
        while (reply := gets()) is not False:
            if type(reply) is list:
                kind, channel, payload = reply
                if kind == MESSAGE and channel != probe_channel:
                    on_message(channel, payload)
                    continue
                self._on_push(kind, channel, payload)
            else:
                self._on_reply(reply)
            if not self._up:
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._down("closed by Redis" if exc is None else f"{type(exc).__name__}: {exc}")

    # --- everything but the hot path --------------------------------------------------------------------------------

    def _on_push(self, kind: bytes, channel: bytes, payload: bytes) -> None:
        if kind == MESSAGE:
            self._owner.link_probed(payload)
        elif self._commands and self._commands[0].expects(kind, channel):
            self._on_answer(kind, channel)
        elif kind == UNSUBSCRIBE:
            self._owner.link_revoked(channel)
        else:
            self.end(f"unexpected {kind!r}")

    def _on_answer(self, kind: bytes, channel: bytes) -> None:
        command = self._commands[0]
        command.done += 1
        if command.done == len(command.channels):
            self._commands.popleft()
        if self._settle(channel) and kind == SUBSCRIBE:
            self._owner.link_confirmed(channel)

    def _settle(self, channel: bytes) -> bool:
        """One answer less to wait for; True after the last: a channel may be subscribed, left and subscribed again
        before the first answer comes, and only the last one tells how it stands."""
        left = self._unanswered[channel] - 1
        if left:
            self._unanswered[channel] = left
        else:
            del self._unanswered[channel]
        return not left

    def _on_reply(self, reply: object) -> None:
        if not self._commands:
            self.end(f"unexpected reply: {reply}")
            return
        command = self._commands.popleft()
        if command.reply is not None:
            if not command.reply.done():
                command.reply.set_result(reply)
        elif isinstance(reply, Exception):
            self._on_error(command, str(reply))
        else:
            self.end(f"unexpected reply: {reply!r}")

    def _on_error(self, command: _Command, error: str) -> None:
        settled = [channel for channel in command.channels if self._settle(channel)]
        if command.kind == SUBSCRIBE:
            self._owner.link_refused(settled, error)

    def _down(self, reason: str) -> None:
        if self._up:
            self._up = False
            for command in self._commands:
                if command.reply is not None and not command.reply.done():
                    command.reply.set_exception(ConnectionResetError(reason))
            self._owner.link_down(reason)
