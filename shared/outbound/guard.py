"""The guard at the creation of a socket: whatever a name resolved to, and however a URL wrote an address, comes here.

A guard in the resolver is passed by an address in the URL, and one before the request by a name that resolves to
another address the second time.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from shared.outbound.addresses import is_within, literal, may_be_called
from shared.setting_forms import Network

CONNECT_SECONDS = 5.0
_PORTS = (443, 8443)


class Refused(OSError):
    """Nothing was sent: the address is not one of the public internet."""


class Allowed(NamedTuple):
    """What an operator allows beyond the public internet, and denies of it. `hosts` are names in lower case."""

    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    denied: tuple[Network, ...] = ()

    def names(self, host: str) -> bool:
        """Whether this host of a URL is allowed by itself: by its name, or by the address that it is."""
        address = literal(host)
        return host.lower().rstrip(".") in self.hosts or (address is not None and is_within(address, self.networks))


def fault_of_url(url: str, allowed: Allowed) -> str | None:
    """What is wrong with a URL that somebody wants to be called, in words for them; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "expected a URL"
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return "expected a URL with a host, in ASCII and without blanks"
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return "no user and no password may stand in it"
    if allowed.names(host):
        return None if parts.scheme in ("https", "http") else "expected https:"
    if parts.scheme != "https":
        return "expected https:"
    if (port or 443) not in _PORTS:
        return "expected port 443 or 8443"
    return _fault_of_host(host, allowed)


def _fault_of_host(host: str, allowed: Allowed) -> str | None:
    name, address = host.lower().rstrip("."), literal(host)
    if address is not None and not may_be_called(address, allowed.denied):
        return "this address is not one of the public internet"
    if name == "localhost" or name.endswith(".localhost"):
        return "this address is not one of the public internet"
    return None


class Guard:
    """Makes the sockets of a connector; `refused` counts those that it would not make."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self.refused = 0

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Raises Refused."""
        family, kind, protocol, _, place = info
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not is_within(address, self._allowed.networks) and not may_be_called(address, self._allowed.denied):
            self.refused += 1
            raise Refused("the address is not one of the public internet")
        return socket.socket(family, kind, protocol)


class Outbound:
    """Sessions for calling out, to be entered once: one whose sockets are guarded, and one for the hosts that an
    operator allowed by name. No redirect is followed by itself, no proxy and no cookie is used."""

    def __init__(self, allowed: Allowed, *, connections: int = 512) -> None:
        self._allowed = allowed
        self._connections = connections
        self.guard = Guard(allowed)

    async def __aenter__(self) -> "Outbound":
        self._guarded = self._session(self.guard.socket)
        self._open = self._session(None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._guarded.close()
        await self._open.close()

    def session(self, url: str) -> aiohttp.ClientSession:
        """For this URL."""
        host = urlsplit(url).hostname or ""
        return self._open if host.lower().rstrip(".") in self._allowed.hosts else self._guarded

    def _session(self, factory: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(socket_factory=factory, limit=self._connections, limit_per_host=0)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=15.0, sock_connect=CONNECT_SECONDS, connect=CONNECT_SECONDS * 2),
        )


def allowed_of(allow: Sequence[str], deny: Sequence[Network]) -> Allowed:
    """From the settings: each word of `allow` is a network, or a host's name."""
    networks: list[Network] = []
    hosts: list[str] = []
    for word in allow:
        try:
            networks.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            hosts.append(word.lower().rstrip("."))
    return Allowed(tuple(networks), tuple(hosts), tuple(deny))
