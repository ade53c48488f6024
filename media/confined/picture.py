"""A picture, looked at: how large it is, its thumbnail, and the few bytes that stand for it until it is there."""

import base64
import warnings
from pathlib import Path
from typing import NamedTuple

import thumbhash
from PIL import Image, ImageOps

THUMB_PIXELS = 320
HASH_PIXELS = 32
_FORMATS = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF", "image/avif": "AVIF",
}  # fmt: skip
_ORIENTATION = 0x0112


class TooManyPixels(ValueError):
    """More than are ever decoded."""


class Seen(NamedTuple):
    """`width` and `height` as it is shown. `orientation` as its EXIF says."""

    width: int
    height: int
    orientation: int
    thumbhash: str


def look(path: Path, content_type: str, most_pixels: int, thumb: Path) -> Seen:
    """Writes the thumbnail. Raises TooManyPixels before anything is decoded, and whatever Pillow does."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = most_pixels
    try:
        with Image.open(path, formats=[_FORMATS[content_type]]) as image:
            if image.width * image.height > most_pixels:
                raise TooManyPixels
            orientation = int(image.getexif().get(_ORIENTATION, 1))
            orientation = orientation if 1 <= orientation <= 8 else 1
            turned = orientation >= 5
            width, height = (image.height, image.width) if turned else (image.width, image.height)
            small = _small(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels from None
    small.save(thumb, "WEBP", quality=75, method=3)
    return Seen(width, height, orientation, _hash(small))


def encode_avif(path: Path, target: Path) -> None:
    """Anew, without what it told: its form is not one that could be cut."""
    with Image.open(path, formats=["AVIF"]) as image:
        icc = image.info.get("icc_profile", b"")
        ImageOps.exif_transpose(image).save(target, "AVIF", quality=80, speed=9, icc_profile=icc, exif=b"", xmp=b"")


def _small(image: Image.Image) -> Image.Image:
    """The first frame, turned as it is shown."""
    image.draft("RGB", (THUMB_PIXELS * 2, THUMB_PIXELS * 2))
    image.thumbnail((THUMB_PIXELS, THUMB_PIXELS), reducing_gap=2.0)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    turned = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    turned.info = {}
    return turned


def _hash(small: Image.Image) -> str:
    tiny = small.convert("RGBA")
    tiny.thumbnail((HASH_PIXELS, HASH_PIXELS))
    return base64.b64encode(bytes(thumbhash.rgba_to_thumb_hash(tiny.width, tiny.height, list(tiny.tobytes())))).decode()
