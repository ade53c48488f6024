"""What the staff may do, for the app's own server: the same routes below /server, by a key."""

from collections.abc import Iterable
from dataclasses import replace

from shared.http.endpoint import Endpoint

SCOPE = "moderation"


def by_key(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Each route of `/moderation` as one of `/server/moderation`, for keys with the scope `moderation`."""
    return [
        replace(endpoint, path=f"/server{endpoint.path}", role="", scope=SCOPE)
        for endpoint in endpoints
        if endpoint.role
    ]
