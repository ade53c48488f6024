"""Who asks for a file: by their token, or by a link that names them. Whether they may have it is another question."""

import time
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from shared import links
from shared.auth import Identity, Rejected, TokenVerifier
from shared.auth.caller import Caller
from shared.auth.header import LONGEST_TOKEN
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError, head_too_large, limited, unauthorized
from shared.http.gate import bearer, count_rejected, token_refusal
from shared.http.strangers import Strangers
from shared.ids import canonical_id
from shared.limits.local import LocalBuckets
from shared.setting_forms import Bucket


class Asker(NamedTuple):
    """`session_id`: the sign-in of the token; None for who came by a link."""

    user_id: str
    session_id: str | None


ASKER = web.RequestKey("asker", Asker)


class MediaGate:
    """Counts each user's requests in this process: it needs no Redis. What comes without a good token counts by its
    address."""

    def __init__(self, verifier: TokenVerifier, link_key: bytes, strangers: Strangers, per_user: Bucket) -> None:
        self._verifier = verifier
        self._link_key = link_key
        self._strangers = strangers
        self._per_user = per_user
        self._buckets = LocalBuckets()
        self._clock: Callable[[], float] = time.monotonic

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """Says in ASKER who it is. Raises ApiError 401, 429, or 503 while a key set cannot be fetched."""
        if endpoint.public:
            self._strangers.admit(request)
            return None
        asker = self._by_link(request) if "link" in request.query else await self._by_token(request)
        wait = self._buckets.take(asker.user_id, self._per_user, self._clock())
        if wait:
            raise limited(wait)
        request[ASKER] = asker
        return None

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Each request costs the same."""

    def _by_link(self, request: web.Request) -> Asker:
        attachment_id = canonical_id(request.match_info.get("attachment", ""))
        if attachment_id is not None and request.method in ("GET", "HEAD"):
            variant, given = request.query.get("variant", ""), request.query["link"]
            link = links.verify(self._link_key, attachment_id, variant, given, time.time())
            if link is not None:
                return Asker(link.user_id, None)
        self._strangers.failed(request)
        raise _ended_link()

    async def _by_token(self, request: web.Request) -> Asker:
        token = bearer(request)
        if token is None:
            self._strangers.admit(request)
            raise unauthorized()
        if len(token) > LONGEST_TOKEN:
            self._strangers.failed(request)
            raise head_too_large(f"the token, of more than {LONGEST_TOKEN} bytes,")
        verdict = self._verifier.verify_cached(token) or await self._verifier.verify(token)
        if isinstance(verdict, Rejected):
            count_rejected(self._strangers, request, verdict)
            raise token_refusal(verdict)
        return Asker(verdict.user_id, verdict.session_id)


def _ended_link() -> ApiError:
    return unauthorized("the link has ended, or was not made here: ask for another one")
