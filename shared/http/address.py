"""Where a client reached this server, for addresses that it is told to use."""

from aiohttp import web


def base_url(request: web.BaseRequest) -> str:
    """As the request says: right without a load balancer, and behind one that passes Host on and speaks the same
    scheme; else PUBLIC_URL and MEDIA_URL say it."""
    return f"{request.scheme}://{request.host}"
