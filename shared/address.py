"""Whose address a request comes from, behind the load balancers that we trust."""

import ipaddress
from collections.abc import Iterator, Sequence
from functools import lru_cache

from shared.setting_forms import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
"""Where there is no address: a Unix socket, or a connection that is gone already."""

MOST_HOPS = 16
"""Entries of `X-Forwarded-For` that are looked at, from the right; a stranger writes as many as they like."""

LONGEST = 64
"""Characters of one address: the longest IPv6 in brackets, with a zone and a port. A longer text is none."""

REMEMBERED = 8192
"""Addresses whose parts are remembered, about 3 MB: parsing would be a fifth of what a request costs beside its
route."""


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


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether it lies in one of these; a text that is no address lies in none."""
    parsed = _parse(address) if networks else None
    return parsed is not None and _is_trusted(parsed, networks)


def _hops(forwarded: Sequence[str]) -> Iterator[str]:
    """From the right, MOST_HOPS at most; what lies further left is not even split."""
    left = MOST_HOPS
    for header in reversed(forwarded):
        hops = header.rsplit(",", left)
        for hop in reversed(hops):
            if not left:
                return
            left -= 1
            yield hop.strip() if len(hop) <= 2 * LONGEST else ""


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _parse(text: str) -> Address | None:
    """An address as proxies and sockets write it: with a port, in brackets, with a zone, or IPv4 within IPv6."""
    return _parse_short(text) if len(text) <= LONGEST else None


@lru_cache(REMEMBERED)
def _parse_short(text: str) -> Address | None:
    """A stranger writes the text: its length is bounded before it becomes a key."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
