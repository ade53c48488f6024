"""Which web pages may use this server: those named, and its own. Phones send no Origin and are always welcome."""

from collections.abc import Iterable
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origins:
    """`allowed` as in ALLOWED_ORIGINS: origins such as `https://app.example`, or `*` for every one."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def allows(self, origin: str | None, host: str | None) -> bool:
        """`origin` and `host` are the request's headers. A page that the server itself served has its host."""
        if origin is None or "*" in self._allowed or origin.lower() in self._allowed:
            return True
        return host is not None and _same_host(origin.lower(), host.lower())


def is_foreign(origin: str | None, host: str | None) -> bool:
    """Whether this is a page of another host. Phones send no Origin, or the host's own."""
    return origin is not None and not (host is not None and _same_host(origin.lower(), host.lower()))


def _same_host(origin: str, host: str) -> bool:
    """Whether they name the same host and port; the scheme cannot be compared behind a proxy that ends TLS."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    return default is not None and parts.netloc.removesuffix(default) == host.removesuffix(default)
