"""Links to a file that need no header: who they are for and until when, signed. They carry no right of their own: media
asks at each use whether that user may have the file.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

from shared.ids import id_bytes, id_text

_MAC_BYTES = 16
_TIME_BYTES = 5


class Link(NamedTuple):
    """`expires_at` in Unix seconds."""

    user_id: str
    expires_at: int


def derived_key(service_token: str) -> bytes:
    """The key of a deployment that names none: of what persistence and media share anyway."""
    return hmac.digest(service_token.encode(), b"parley media links", hashlib.sha256)


def sign(key: bytes, attachment_id: str, variant: str, link: Link) -> str:
    """The value of the parameter `link`."""
    claims = id_bytes(link.user_id) + link.expires_at.to_bytes(_TIME_BYTES, "big")
    return base64.urlsafe_b64encode(claims + _mac(key, attachment_id, variant, claims)).decode().rstrip("=")


def verify(key: bytes, attachment_id: str, variant: str, given: str, now: float) -> Link | None:
    """Whose link it is; None for one that was not made here, for another file or variant, or that has ended."""
    try:
        raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    except ValueError:
        return None
    claims, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(claims) != 16 + _TIME_BYTES or not hmac.compare_digest(mac, _mac(key, attachment_id, variant, claims)):
        return None
    expires_at = int.from_bytes(claims[16:], "big")
    return Link(id_text(claims[:16]), expires_at) if now < expires_at else None


def _mac(key: bytes, attachment_id: str, variant: str, claims: bytes) -> bytes:
    told = b"\0".join((id_bytes(attachment_id).hex().encode(), variant.encode(), claims))
    return hmac.digest(key, told, hashlib.sha256)[:_MAC_BYTES]
