"""One URL, read as redis-py reads it."""

import pytest
from redis.asyncio.connection import parse_url

from gateway.bus.address import RedisAddress

URLS = [
    "redis://localhost",
    "redis://10.0.0.7:7000/0",
    "redis://:p%40ss@redis.example:6380",
    "redis://gateway:p%2Fss%3A@redis.example",
    "redis://[::1]:6390",
]


@pytest.mark.parametrize("url", URLS)
def test_host_port_and_login_are_those_that_redis_py_reads(url: str) -> None:
    address = RedisAddress.parse(url)
    expected = parse_url(url)

    assert address.host == expected.get("host", "localhost")
    assert address.port == expected.get("port", 6379)
    assert address.login == tuple(
        word for word in (expected.get("username"), expected.get("password")) if word is not None
    )


def test_a_user_without_a_password_is_still_a_user() -> None:
    assert RedisAddress.parse("redis://gateway@redis.example").login == ("gateway", "")


def test_a_node_of_the_cluster_keeps_login_tls_and_options() -> None:
    seed = RedisAddress.parse("rediss://gateway:p%40ss@seed.example:7000/0?ssl_cert_reqs=none")

    assert seed.at("10.0.0.9", 7003).url == "rediss://gateway:p%40ss@10.0.0.9:7003/0?ssl_cert_reqs=none"
    assert seed.at("fd00::9", 7003).url == "rediss://gateway:p%40ss@[fd00::9]:7003/0?ssl_cert_reqs=none"


def test_no_password_shows_when_an_address_is_written() -> None:
    address = RedisAddress.parse("redis://gateway:hunter2@redis.example:7000")

    assert str(address) == "redis.example:7000"
    assert "hunter2" not in repr(address)


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"[Pp]ort"):
        RedisAddress.parse("redis://redis.example:seventy")
