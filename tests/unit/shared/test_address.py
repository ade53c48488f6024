import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.address import UNKNOWN, client_address, limit_key

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["1.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4,10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, , 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["::ffff:1.2.3.4"], "1.2.3.4"),
        ("fe80::1%eth0", [], "fe80::1"),
        (None, ["1.2.3.4"], UNKNOWN),
        ("", ["1.2.3.4"], UNKNOWN),
    ],
)
def test_the_client_is_the_nearest_party_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_nobodys_header_counts_where_no_proxy_is_trusted() -> None:
    assert client_address("10.0.0.1", ["1.2.3.4"], ()) == "10.0.0.1"


def test_a_header_of_any_length_is_looked_at_a_few_entries_deep() -> None:
    endless = ",".join(["10.0.0.1"] * 100_000)
    assert client_address("10.0.0.1", [f"1.2.3.4,{endless}"], PROXIES) == "10.0.0.1"


@given(st.text(max_size=20) | st.none(), st.lists(st.text(max_size=40), max_size=3))
def test_no_header_breaks_it(peer: str | None, forwarded: list[str]) -> None:
    client = client_address(peer, forwarded, PROXIES)
    assert client == UNKNOWN or str(ipaddress.ip_address(client)) == client
    assert limit_key(client)


def test_addresses_of_one_ipv6_network_share_a_limit_and_those_of_ipv4_do_not() -> None:
    assert limit_key("2001:db8:1:2::1") == limit_key("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert limit_key("2001:db8:1:3::1") != limit_key("2001:db8:1:2::1")
    assert limit_key("1.2.3.4") == "1.2.3.4"
    assert limit_key(UNKNOWN) == UNKNOWN
