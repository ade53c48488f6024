"""Which addresses of the internet may be called because somebody else named them. Pure.

`ipaddress.is_global` alone says yes to addresses that carry a private one inside (NAT64, 6to4, Teredo, mapped and
compatible forms), to multicast, and to some that clouds gave to their metadata.
"""

import ipaddress
import socket
from collections.abc import Iterator, Sequence

from shared.setting_forms import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's, inside a public range
        "192.0.0.0/24",
        "192.88.99.0/24",
        "fec0::/10",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo among them
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
    )
)


def may_be_called(address: Address, denied: Sequence[Network] = ()) -> bool:
    """Whether it and whatever address it carries are public, and in none of the `denied` networks."""
    return all(_is_public(one) and not is_within(one, (*_REFUSED, *denied)) for one in (address, *_carried(address)))


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_unspecified
    )


def _carried(address: Address) -> Iterator[Address]:
    """The IPv4 addresses inside of an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _COMPATIBLE or is_within(address, _NAT64):
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def literal(host: str) -> Address | None:
    """The address that a URL's host is, in any form that some resolver takes for one (`127.1`, `0x7f000001`, …)."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError, UnicodeError):
        return None
