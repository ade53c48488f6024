"""Who knocks: each is counted, by address where there is no good token."""

from aiohttp import web

from gateway.session.rejection import Rejection, overloaded
from gateway.websocket.codes import CloseCode
from gateway.websocket.upgrade import checked_key
from shared.auth import Identity, Reason, Rejected, TokenVerifier
from shared.http.gate import count_rejected
from shared.http.strangers import STRANGERS


def counted_key(request: web.Request) -> str:
    """As `checked_key`; what is no upgrade counts as any stranger's request. Raises ApiError 429."""
    try:
        return checked_key(request)
    except web.HTTPException:
        request[STRANGERS].admit(request)
        raise


async def identify(verifier: TokenVerifier, request: web.Request, token: str | None) -> Identity:
    """Who holds the token. Raises Rejection; ApiError 429 for an address with too many bad ones."""
    verdict = await verifier.verify(token)
    if isinstance(verdict, Identity):
        return verdict
    count_rejected(request[STRANGERS], request, verdict)
    raise _unauthorized(verdict)


def _unauthorized(rejected: Rejected) -> Rejection:
    if rejected.reason is Reason.KEYS_UNAVAILABLE:
        return overloaded("The token cannot be verified at the moment: connect again")
    if rejected.reason is Reason.MISSING:
        return Rejection(CloseCode.TOKEN_REJECTED, "unauthorized", "Authentication required: no token")
    return Rejection(CloseCode.TOKEN_REJECTED, "unauthorized", f"Authentication failed: {rejected.text}")
