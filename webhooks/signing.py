"""Signatures as Standard Webhooks 1.0 wants them: HMAC-SHA256 over id, time and body, one for each living secret."""

import base64
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def headers(message_id: str, at: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """`at` in Unix seconds is the time of this attempt; the id is the same over all attempts."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))
