"""Who may have bytes gets them whole, by range, or by a link; who may not any more gets 404, in every way."""

import asyncio
from typing import Any

from media.access import QUESTIONS
from shared.metrics import value_of
from tests.integration.media.conftest import Files, two
from tests.support.files import SECRET, picture, told


async def sent(files: Files) -> tuple[Any, Any, str, Any, Any]:
    ann, bob, room = await two(files)
    state = await files.upload(ann, room, picture())
    message = await ann.send(room, "", attachments=[state["id"]])
    return ann, bob, room, state, message


async def test_a_picture_is_shown_in_place_with_headers_that_let_nothing_run(files: Files) -> None:
    _, bob, _, state, _ = await sent(files)
    assert (state["state"], state["width"], state["height"]) == ("ready", 640, 480)
    assert len(state["thumbhash"]) > 20

    whole, thumb = await files.get(bob, state["id"]), await files.get(bob, state["id"], "?variant=thumb")

    assert (whole.status, whole.content_type, len(await whole.read())) == (200, "image/jpeg", state["size"])
    assert whole.headers["Content-Disposition"].startswith("inline")
    assert whole.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Cache-Control"] == "private, no-cache"
    assert (thumb.status, thumb.content_type) == (200, "image/webp")
    assert (await files.get(bob, state["id"], "?variant=huge")).status == 400
    assert (await files.get(None, state["id"])).status == 401


async def test_ranges_and_known_bytes_are_answered_as_http_says(files: Files) -> None:
    _, bob, _, state, _ = await sent(files)
    whole = await files.get(bob, state["id"])
    data, etag, size = await whole.read(), whole.headers["ETag"], state["size"]
    ranges = {
        "bytes=0-": data,
        f"bytes=0-{size - 1}": data,
        "bytes=0-9": data[:10],
        "bytes=10-": data[10:],
        "bytes=-5": data[-5:],
        f"bytes=3-{size + 99}": data[3:],
    }
    for given, part in ranges.items():
        answer = await files.get(bob, state["id"], Range=given)
        assert (answer.status, await answer.read()) == (206, part), given
    assert (await files.get(bob, state["id"], Range="bytes=0-9")).headers["Content-Range"] == f"bytes 0-9/{size}"
    beyond = await files.get(bob, state["id"], Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    for other in ("bytes=1-2,4-5", "lines=1-2", "bytes=-"):
        assert (await files.get(bob, state["id"], Range=other)).status == 200
    assert (await files.get(bob, state["id"], **{"If-None-Match": f'"x", {etag}'})).status == 304
    assert (await files.get(bob, state["id"], **{"Range": "bytes=0-1", "If-Range": '"x"'})).status == 200
    head = await files.ask(bob, "HEAD", f"/api/attachments/{state['id']}")
    assert (head.status, head.headers["Content-Length"]) == (200, str(size))


async def test_a_link_needs_no_header_and_ends_with_what_its_user_may_see(files: Files) -> None:
    ann, bob, room, state, message = await sent(files)
    link = (await bob.post(f"/api/attachments/{state['id']}/link", {"variant": "thumb"}))["url"]
    query = "?" + link.partition("?")[2]
    assert (await files.get(None, state["id"], query)).status == 200
    assert (await files.get(None, state["id"], query.replace("variant=thumb", ""))).status == 401
    assert (await files.get(None, state["id"], query[:-3] + "AAA")).status == 401

    await ann.delete(f"/api/conversations/{room}/messages/{message['id']}")
    await asyncio.sleep(1)  # a yes may be used for so long

    ways = [
        (None, query, {}),
        (bob, "", {}),
        (bob, "?variant=thumb", {}),
        (bob, "", {"Range": "bytes=0-1"}),
        (ann, "", {}),
    ]
    for person, how, headers in ways:
        assert (await files.get(person, state["id"], how, **headers)).status == 404


async def test_nothing_of_where_a_picture_was_taken_is_in_any_variant(files: Files) -> None:
    ann, _, room = await two(files)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        original = told(kind, orientation=6)
        assert SECRET in original
        state = await files.upload(ann, room, original, kind="file" if kind == "PNG" else "image")
        assert state["state"] == "ready", (kind, state)
        if kind != "GIF":
            assert (state["width"], state["height"]) == (480, 640), kind
        for query in ("", "?variant=thumb"):
            answer = await files.get(ann, state["id"], query)
            data = await answer.read()
            assert answer.status == 200
            assert SECRET not in data, (kind, query)
            assert answer.headers["Content-Disposition"].startswith("inline")


async def test_a_thousand_uses_at_once_are_few_questions(files: Files) -> None:
    _, bob, _, state, _ = await sent(files)
    before = value_of(QUESTIONS)
    answers = await asyncio.gather(*(files.get(bob, state["id"], Range="bytes=0-9") for _ in range(300)))
    assert {one.status for one in answers} == {206}
    assert value_of(QUESTIONS) - before <= 20
