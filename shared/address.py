"""Whose address a request comes from, behind the load balancers that we trust."""

import ipaddress
from collections.abc import Sequence

from shared.setting_forms import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
"""Where there is no address: a Unix socket, or a connection that is gone already."""

MOST_HOPS = 16
"""Entries of `X-Forwarded-For` that are looked at, from the right; a stranger writes as many as they like."""


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address of the nearest party that is none of our proxies, in its canonical form.

    `peer` is the socket's other end, `forwarded` are the `X-Forwarded-For` headers in their order. Each trusted proxy
    wrote the entry to its left; what stands left of the first untrusted one may be invented. Without trusted proxies
    that is the peer, whatever the headers say.
    """
    nearest = _parse(peer or "")
    if nearest is None:
        return UNKNOWN
    for hop in _hops(forwarded):
        if not _is_trusted(nearest, trusted):
            break
        before = _parse(hop)
        if before is None:
            break
        nearest = before
    return str(nearest)


def limit_key(address: str) -> str:
    """What stands for an address in a rate limit: itself, or its /64 network, all of which one IPv6 household has."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed.packed, 64), strict=False))
    return address


def _hops(forwarded: Sequence[str]) -> list[str]:
    return [hop.strip() for hop in ",".join(forwarded).split(",")][: -MOST_HOPS - 1 : -1]


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _parse(text: str) -> Address | None:
    """An address as proxies and sockets write it: with a port, in brackets, with a zone, or IPv4 within IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
