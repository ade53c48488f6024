"""Signatures as Standard Webhooks 1.0 wants them: HMAC-SHA256 over id, time and body."""

import base64
import hmac

PREFIX = "whsec_"
SHORTEST_KEY = 24
"""Bytes of a secret."""


def headers(message_id: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """`at` in Unix seconds. The secret is `whsec_` and base64."""
    signed = f"{message_id}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def secret(raw: str) -> str:
    """A setting's form. Raises ValueError for what is no secret."""
    try:
        known = raw.startswith(PREFIX) and len(_key(raw)) >= SHORTEST_KEY
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"{PREFIX} and at least {SHORTEST_KEY} bytes in base64")
    return raw


def _key(given: str) -> bytes:
    return base64.b64decode(given.removeprefix(PREFIX), validate=True)
