"""One file, looked at: what it is, whether it may be what it is announced as, and what is kept of it."""

import json
import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from media.confined import mp4, picture
from media.confined.sniff import HEAD_BYTES, sniff
from media.confined.strip import STRIPS, Broken

THUMB, KEPT, RESULT = "thumb", "kept", "result"
"""Files in the folder of a job. Without KEPT the upload is kept as it is."""
_OF_A_BROKEN_PICTURE = (
    Broken, OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, MemoryError, OverflowError,
)  # fmt: skip
"""What Pillow and the strips raise on what is no picture; what else they raise ends the process: `broken` too."""
_PICTURES = ("image", "avatar")
_SOUND: Final = ("audio/", "video/")
_MP4 = ("video/mp4", "audio/mp4", "video/quicktime")


def look(job: dict[str, Any]) -> None:
    """Writes RESULT into the job's folder, and THUMB and KEPT where there are any."""
    folder, source = Path(job["folder"]), Path(job["source"])
    with source.open("rb") as file:
        content_type = sniff(file.read(HEAD_BYTES))
    found = _judged(job["kind"], content_type, source, folder, job["pixels"])
    draft = folder / f"{RESULT}.draft"
    draft.write_text(json.dumps(found))
    draft.replace(folder / RESULT)


def _judged(kind: str, content_type: str | None, source: Path, folder: Path, pixels: int) -> dict[str, Any]:
    is_picture = content_type is not None and content_type.startswith("image/")
    if kind in _PICTURES and not is_picture:
        return {"reason": "type"}
    if kind in ("video", "voice") and not (content_type or "").startswith(_SOUND):
        return {"reason": "type"}
    if content_type is None or not is_picture:
        return {"content_type": content_type, **_emptied(content_type, source, folder)}
    found = _picture(content_type, source, folder, pixels)
    if "reason" in found and kind not in _PICTURES:
        return {"content_type": None}  # a document that looks like a picture and is none: only ever downloaded
    return found


def _picture(content_type: str, source: Path, folder: Path, pixels: int) -> dict[str, Any]:
    try:
        seen = picture.look(source, content_type, pixels, folder / THUMB)
        if content_type in STRIPS:
            _write(folder / KEPT, STRIPS[content_type](_mapped(source), seen.orientation))
        else:
            picture.encode_avif(source, folder / KEPT)
    except picture.TooManyPixels:
        return {"reason": "too_many_pixels"}
    except _OF_A_BROKEN_PICTURE:
        return {"reason": "broken"}
    return {
        "content_type": content_type,
        "width": seen.width,
        "height": seen.height,
        "thumbhash": seen.thumbhash,
        "has_thumb": True,
    }


def _emptied(content_type: str | None, source: Path, folder: Path) -> dict[str, Any]:
    if content_type in _MP4:
        data = _mapped(source)
        if mp4.told(data):
            _write(folder / KEPT, mp4.emptied(data))
    return {}


def _mapped(source: Path) -> memoryview:
    """Until the end of this process, which comes soon: pieces of it may still be referred to."""
    with source.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
