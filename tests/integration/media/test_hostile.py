"""Whatever is uploaded, it is ready and harmless, or rejected with a reason; nothing crashes."""

import io
import os
import zipfile

import pytest

from tests.integration.media.conftest import Files, two
from tests.support import files as made

ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w", zipfile.ZIP_DEFLATED) as _archive:
    _archive.writestr("bomb", b"\0" * 10_000_000)

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
PICTURES = {kind: made.picture(kind) for kind in KINDS}
NO_PICTURES = {
    "svg": made.SVG,
    "html": made.HTML,
    "zip": ZIP.getvalue(),
    "tiff": made.picture("TIFF", (2000, 2000), compression="tiff_deflate"),
    "bmp": made.picture("BMP"),
    "text": b"no picture",
    "random": os.urandom(5000),
}


async def rejected(files: Files, data: bytes, kind: str = "image") -> str:
    ann, _, room = await two(files)
    state = await files.upload(ann, room, data, kind=kind)
    assert state["state"] == "rejected", state
    return str(state["reason"])


async def test_what_would_fill_memory_is_rejected_before_it_is_decoded(files: Files) -> None:
    progressive = made.picture("JPEG", (9000, 9000), progressive=True, quality=10)
    for bomb in (made.png_of(30_000, 30_000), progressive, made.png_of(6000, 6000)):
        assert await rejected(files, bomb) == "too_many_pixels"


async def test_what_is_no_picture_is_rejected_as_one_and_is_only_ever_downloaded(files: Files) -> None:
    ann, _, room = await two(files)
    for name, data in NO_PICTURES.items():
        assert await rejected(files, data) == "type", name
        state = await files.upload(ann, room, data, kind="file", name="a.jpg", contentType="image/png")
        answer = await files.get(ann, state["id"])
        assert (answer.status, answer.content_type) == (200, "application/octet-stream"), name
        assert answer.headers["Content-Disposition"].startswith("attachment"), name
        assert await answer.read() == data
    assert await rejected(files, made.HTML, "video") == "type"
    assert await rejected(files, PICTURES["PNG"], "voice") == "type"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_that_is_cut_off_or_scrambled_is_broken(files: Files, kind: str) -> None:
    whole = PICTURES[kind]
    assert await rejected(files, whole[: len(whole) // 2]) == "broken"
    assert await rejected(files, whole[:16] + os.urandom(300)) in ("broken", "too_many_pixels", "type")


async def test_a_polyglot_is_its_picture_alone(files: Files) -> None:
    ann, _, room = await two(files)
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        state = await files.upload(ann, room, PICTURES[kind] + made.HTML + ZIP.getvalue())
        kept = await (await files.get(ann, state["id"])).read()
        assert (state["state"], b"script" in kept, b"PK" in kept[-100:]) == ("ready", False, False), kind


async def test_ten_thousand_frames_are_one_thumbnail(files: Files) -> None:
    ann, _, room = await two(files)
    state = await files.upload(ann, room, made.gif_of(10_000))
    assert (state["state"], state["width"]) == ("ready", 1)


async def test_films_and_sounds_are_what_their_bytes_say_and_tell_no_place(files: Files) -> None:
    ann, _, room = await two(files)
    cases = {
        "video/mp4": (made.mp4(), "video"),
        "audio/mp4": (made.mp4(b"M4A "), "voice"),
        "video/webm": (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\x82\x84webm" + bytes(50), "video"),
        "audio/ogg": (b"OggS" + bytes(24) + b"OpusHead" + bytes(50), "voice"),
        "audio/mpeg": (b"ID3\x04" + bytes(500), "voice"),
    }
    for content_type, (data, kind) in cases.items():
        state = await files.upload(ann, room, data, kind=kind, durationMs=700)
        answer = await files.get(ann, state["id"])
        kept = await answer.read()
        assert (state["contentType"], state["durationMs"], answer.content_type) == (content_type, 700, content_type)
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert (len(kept), made.SECRET in kept) == (len(data), False)


async def test_what_is_encrypted_is_kept_as_it_is(files: Files) -> None:
    ann, _, room = await two(files)
    data = made.told("JPEG")
    state = await files.upload(ann, room, data, encrypted=True)
    answer = await files.get(ann, state["id"])
    assert (state["state"], state["width"], await answer.read()) == ("ready", None, data)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (await files.get(ann, state["id"], "?variant=thumb")).status == 404


async def test_a_poster_is_the_thumbnail_of_a_film(files: Files) -> None:
    ann, _, room = await two(files)
    poster = await files.upload(ann, room, PICTURES["JPEG"])
    film = await files.upload(ann, room, made.mp4(), kind="video", poster=poster["id"])
    thumb, own = [await files.get(ann, one["id"], "?variant=thumb") for one in (film, poster)]
    assert (thumb.status, await thumb.read()) == (200, await own.read())
