"""The attacks, each a coroutine that goes on until it is cancelled. Someone who finds another one adds it here."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.system.abuse.wire import ADDRESS, PROXY, Target, frame, get, post, status, upgrade

Attack = Callable[[Target], Awaitable[None]]
PAUSE_SECONDS = 0.05
AT_ONCE = 8


async def _again(target: Target, once: Callable[[], Awaitable[None]], workers: int = AT_ONCE) -> None:
    """Does it again and again, also after it was cut off."""

    async def work() -> None:
        while True:
            try:
                await once()
            except (
                OSError,
                asyncio.IncompleteReadError,
                RuntimeError,
            ) as error:  # RuntimeError: uvloop, of a closed one
                target.told[type(error).__name__] += 1
                await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(*(work() for _ in range(workers)))


async def _ask(target: Target, port: int, requests: Callable[[], bytes], address: str = ADDRESS) -> None:
    """One request after another on one connection."""

    async def once() -> None:
        async with target.connection(port, address) as (reader, writer):
            while True:
                writer.write(requests())
                target.told[await status(reader)] += 1

    await _again(target, once)


async def _flood(target: Target, token: str, piece: bytes, sockets: int) -> None:
    """Frames without a pause, on sockets with this token."""

    async def once() -> None:
        async with target.connection(target.gateway) as (reader, writer):
            writer.write(upgrade(token))
            target.told[(await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()] += 1
            while not reader.at_eof():
                writer.write(piece * 5000)
                await writer.drain()
                await asyncio.sleep(0.003)

    await _again(target, once, sockets)


async def pongs(target: Target) -> None:
    await _flood(target, target.token, frame(0xA), 1)


async def pings(target: Target) -> None:
    await _flood(target, target.token, frame(0x9, b"x"), 1)


async def empty_binaries(target: Target) -> None:
    await _flood(target, target.token, frame(0x2), 1)


async def empty_fragments(target: Target) -> None:
    await _flood(target, target.token, frame(0x1, final=False) + frame(0x0, final=False) * 20 + frame(0x0), 1)


async def frames_without_a_token(target: Target) -> None:
    await _flood(target, "no.good.token", frame(0xA), 5)


async def what_is_not_there(target: Target) -> None:
    await _ask(target, target.persistence, lambda: get("/nope"))


async def stats(target: Target) -> None:
    await _ask(target, target.gateway, lambda: get("/messages/stats"))


async def bad_tokens(target: Target) -> None:
    numbers = itertools.count()
    bearer = "Authorization: Bearer " + target.token.rsplit(".", 1)[0]
    await _ask(target, target.persistence, lambda: get("/api/conversations", f"{bearer}.{next(numbers):043}"))


async def upgrades_without_a_token(target: Target) -> None:
    async def once() -> None:
        async with target.connection(target.gateway) as (reader, writer):
            writer.write(upgrade("no.good.token"))
            target.told[(await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()] += 1

    await _again(target, once)


async def own_requests(target: Target) -> None:
    bearer = f"Authorization: Bearer {target.token}"
    await _ask(target, target.persistence, lambda: get("/api/conversations", bearer))


async def silence(target: Target) -> None:
    """Half a head on each of as many connections as come to be."""

    async def once() -> None:
        async with target.connection(target.persistence) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost:")
            await reader.read()
            target.told["ended"] += 1

    await _again(target, once, 2500)


async def dripping_bodies(target: Target) -> None:
    head = post("/api/sync", b"", f"Authorization: Bearer {target.token}").replace(b"Length: 0", b"Length: 1000000")

    async def once() -> None:
        async with target.connection(target.persistence) as (reader, writer):
            writer.write(head)
            dripping = asyncio.create_task(_drip(writer))
            try:
                target.told[await status(reader)] += 1
            finally:
                dripping.cancel()

    await _again(target, once, 100)


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.transport.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.2)


async def long_forwarded_headers(target: Target) -> None:
    numbers = itertools.count()
    long = "1.1.1.1, " * 12_000
    await _ask(
        target,
        target.persistence,
        lambda: get("/nope", f"X-Forwarded-For: {long}{next(numbers)}, 203.0.113.9"),
        address=PROXY,
    )


async def deep_json(target: Target) -> None:
    body = b"[" * 1_000_000
    await _ask(target, target.persistence, lambda: post("/api/sync", body, f"Authorization: Bearer {target.token}"))


async def groups_of_a_thousand(target: Target) -> None:
    def request() -> bytes:
        body = json.dumps({"participantIds": [str(uuid4()) for _ in range(999)], "isGroup": True}).encode()
        return post("/api/conversations", body, f"Authorization: Bearer {target.token}")

    await _ask(target, target.persistence, request)


ATTACKS: dict[str, Attack] = {
    attack.__name__.replace("_", " "): attack
    for attack in (
        pongs,
        pings,
        empty_binaries,
        empty_fragments,
        frames_without_a_token,
        upgrades_without_a_token,
        what_is_not_there,
        stats,
        bad_tokens,
        own_requests,
        silence,
        dripping_bodies,
        long_forwarded_headers,
        deep_json,
        groups_of_a_thousand,
    )
}
