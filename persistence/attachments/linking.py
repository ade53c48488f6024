"""Addresses of files that need no header."""

import time
from typing import NamedTuple

from persistence.attachments.rules import FileRules
from shared import links
from shared.clock import iso_from_ms
from shared.media_api import LINK_SECONDS


class Address(NamedTuple):
    """Where anybody fetches the file until then, as long as who the link is for may see it."""

    url: str
    expires_at: str


def address_of(rules: FileRules, attachment_id: str, holder_id: str, base_url: str, variant: str = "") -> Address:
    """`holder_id` is the user whom the link is for, or an invite, which shows the picture of its group. `base_url` is
    where the request came to: media is there too where the deployment names no other place."""
    expires_at = int(time.time()) + LINK_SECONDS
    signed = links.sign(rules.link_key, attachment_id, variant, links.Link(holder_id, expires_at))
    wanted = f"variant={variant}&" if variant else ""
    url = f"{rules.media_url or base_url}/api/attachments/{attachment_id}?{wanted}link={signed}"
    return Address(url, iso_from_ms(expires_at * 1000))
