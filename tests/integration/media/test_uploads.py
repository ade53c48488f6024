"""tus as clients speak it: what was acknowledged is there, one writes at a time, and nothing passes the size."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError

from shared.ids import new_id
from tests.integration.media.conftest import TUS, Files, filing, two

BYTES = os.urandom(5_000_000)


async def slowly(data: bytes, gate: asyncio.Event) -> AsyncIterator[bytes]:
    yield data
    await gate.wait()


async def test_a_file_comes_in_pieces_and_is_downloaded_as_it_was(files: Files) -> None:
    ann, bob, room = await two(files)
    name = await files.announce(ann, room, len(BYTES), kind="file", name="naïve.bin", contentType="application/x-thing")
    assert await files.offset(ann, name) == (200, 0)
    for start in range(0, len(BYTES), 2_500_000):
        answer = await files.patch(ann, name, start, BYTES[start : start + 2_500_000])
        assert (answer.status, int(answer.headers["Upload-Offset"])) == (204, min(start + 2_500_000, len(BYTES)))

    state = await files.settled(ann, name)
    assert (state["state"], state["contentType"], state["size"]) == ("ready", "application/x-thing", len(BYTES))
    assert await files.offset(ann, name) == (200, len(BYTES))
    assert (await files.patch(ann, name, len(BYTES), b"")).status == 204
    assert (await files.patch(ann, name, 0, b"x")).status == 409
    assert (await files.get(bob, name)).status == 404
    await ann.send(room, "", attachments=[name])
    got = await files.get(bob, name)
    assert (got.status, await got.read()) == (200, BYTES)
    assert got.content_type == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith(
        "attachment; filename=\"na_ve.bin\"; filename*=UTF-8''na%C3%AFve"
    )


async def test_what_is_no_upload_of_ones_own_is_refused(files: Files) -> None:
    ann, bob, room = await two(files)
    name = await files.announce(ann, room, 10, kind="file")

    assert (await files.offset(bob, name))[0] == 404
    assert (await files.offset(ann, new_id()))[0] == 404
    assert (await files.patch(bob, name, 0, b"0123456789")).status == 404
    assert (await files.patch(ann, name, 3, b"x")).status == 409
    assert (await files.patch(ann, name, 0, b"x" * 11)).status == 413
    assert (await files.patch(ann, name, 0, _chunks(b"x" * 11))).status == 413
    assert (await files.patch(ann, name, 0, b"x", **{"Content-Type": "text/plain"})).status == 415
    assert (await files.patch(ann, name, 0, b"x", **{"Content-Encoding": "gzip"})).status == 415
    assert (await files.patch(ann, name, 0, b"x", **{"Tus-Resumable": "0.2"})).status == 412
    assert (await files.patch(ann, name, 0, b"x", **{"Upload-Offset": "-1"})).status == 400
    path = f"/api/attachments/{name}/content"
    assert (await files.ask(None, "HEAD", path, headers=TUS)).status == 401
    assert (await files.ask(ann, "HEAD", "/api/attachments/x/content", headers=TUS)).status == 400
    options = await files.ask(None, "OPTIONS", path)
    assert (options.status, options.headers["Tus-Version"]) == (204, "1.0.0")
    assert await files.offset(ann, name) == (200, 0)


async def test_every_answer_says_which_tus_is_spoken_refusals_too(files: Files) -> None:
    ann, bob, room = await two(files)
    name = await files.announce(ann, room, 10, kind="file")
    path = f"/api/attachments/{name}/content"
    answers = {
        204: await files.patch(ann, name, 0, b"01234"),
        400: await files.ask(ann, "HEAD", "/api/attachments/x/content", headers=TUS),
        401: await files.ask(None, "HEAD", path, headers=TUS),
        404: await files.ask(bob, "DELETE", path, headers=TUS),
        409: await files.patch(ann, name, 3, b"x"),
        412: await files.ask(ann, "HEAD", path),
        413: await files.patch(ann, name, 5, b"x" * 11),
        415: await files.patch(ann, name, 5, b"x", **{"Content-Type": "text/plain"}),
    }
    for status, answer in answers.items():
        assert (answer.status, answer.headers["Tus-Resumable"], answer.headers["Tus-Version"]) == (
            status,
            "1.0.0",
            "1.0.0",
        )


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_second_writer_is_refused_at_once_and_the_first_goes_on(files: Files) -> None:
    ann, _, room = await two(files)
    name, gate = await files.announce(ann, room, 10, kind="file"), asyncio.Event()
    first = asyncio.create_task(files.patch(ann, name, 0, slowly(b"0123456789", gate)))
    while (answer := await files.patch(ann, name, 0, b"")).status != 423:
        assert answer.status == 204, "it came before the first one"
        if first.done():  # it met one of ours
            assert (await first).status == 423
            first = asyncio.create_task(files.patch(ann, name, 0, slowly(b"0123456789", gate)))
        await asyncio.sleep(0.01)
    gate.set()

    assert (await first).status == 204
    assert (await files.settled(ann, name))["size"] == 10


async def test_what_came_before_a_connection_broke_is_kept(files: Files) -> None:
    ann, _, room = await two(files)
    name = await files.announce(ann, room, 100, kind="file")

    async def break_off() -> AsyncIterator[bytes]:
        yield b"x" * 40
        await asyncio.sleep(0.2)
        raise ConnectionResetError

    with pytest.raises((ClientConnectionError, ConnectionResetError)):
        await files.patch(ann, name, 0, break_off(), **{"Content-Length": "100"})
    async with asyncio.timeout(5):
        while (await files.offset(ann, name))[1] != 40 or (await files.patch(ann, name, 40, b"")).status != 204:
            await asyncio.sleep(0.05)
    assert (await files.patch(ann, name, 40, b"y" * 60)).status == 204
    assert (await files.settled(ann, name))["state"] == "ready"


async def test_an_upload_is_taken_back_and_an_expired_one_is_gone(files: Files) -> None:
    ann, _, room = await two(files)
    name, other = await files.announce(ann, room, 10, kind="file"), await files.announce(ann, room, 10, kind="file")
    assert (await files.patch(ann, name, 0, b"12345")).status == 204

    async def delete(which: str) -> int:
        return (await files.ask(ann, "DELETE", f"/api/attachments/{which}/content", headers=TUS)).status

    assert await delete(name) == 204
    assert await delete(name) == 404
    assert (await files.offset(ann, name))[0] == 404
    await files.rest.parts.pool.execute("UPDATE attachments SET expires_at = now()")
    assert (await files.offset(ann, other))[0] == 410
    assert (await files.patch(ann, other, 0, b"x")).status == 410
    used = await files.upload(ann, room, b"document", kind="file")
    await ann.send(room, "", attachments=[used["id"]])
    assert await delete(used["id"]) == 409


async def test_a_process_that_died_before_it_said_that_all_is_there_loses_nothing(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "media"
    async with filing(database_url, redis_url, folder) as files:
        ann, _, room = await two(files)
        whole, taken = [await files.announce(ann, room, 10, kind="file") for _ in range(2)]
        for name in (whole, taken):  # as if it had died after the piece was put, and after it was told
            path = folder / "parts" / name[:2] / name / f"{0:015}-{new_id()}"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"0123456789")
        pool, writer = files.rest.parts.pool, new_id()
        await pool.execute(
            "UPDATE attachments SET state = 'processing', writer = $2, writer_until = now() WHERE id = $1",
            taken,
            writer,
        )

        assert await files.offset(ann, whole) == (200, 10)

        assert (await files.settled(ann, whole))["state"] == "ready"
        assert (await files.settled(ann, taken))["state"] == "ready"
        async with asyncio.timeout(5):
            while any((folder / "parts").rglob("*-*-*-*-*/*")):
                await asyncio.sleep(0.02)


async def test_bytes_go_when_the_last_message_that_has_them_is_deleted(files: Files) -> None:
    ann, _, room = await two(files)
    state = await files.upload(ann, room, b"a document", kind="file")
    sent = await ann.send(room, "", attachments=[state["id"]])
    kept = files.folder / "files" / state["id"][:2] / state["id"]
    assert kept.read_bytes() == b"a document"

    await ann.delete(f"/api/conversations/{room}/messages/{sent['id']}")

    assert (await files.get(ann, state["id"])).status == 404
    async with asyncio.timeout(20):
        while kept.exists():
            await asyncio.sleep(0.1)
