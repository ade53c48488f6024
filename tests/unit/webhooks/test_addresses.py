"""Nothing that calls out connects to an address of our own network, in whatever form somebody writes it."""

import ipaddress
import json
import socket
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.listening import listening
from shared.hooks_api import Delivery, Endpoint
from shared.outbound.addresses import literal, may_be_called
from shared.outbound.guard import Allowed, Guard, Outbound, Refused, allowed_of, fault_of_url
from webhooks.sender import send

CASES: list[str] = json.loads((Path(__file__).parents[2] / "cases/addresses.json").read_text())["urls"]
LOCAL = allowed_of(["127.0.0.0/8", "Backend.internal"], [])


@pytest.mark.parametrize("url", CASES)
def test_a_url_that_names_such_an_address_is_refused_by_either_scheme(url: str) -> None:
    for written in (url, url.replace("http://", "https://", 1)):
        assert fault_of_url(written, Allowed()) is not None


@pytest.mark.parametrize("url", CASES)
def test_no_socket_is_made_for_such_an_address(url: str) -> None:
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    if (address := literal(host)) is None:
        return  # a name, or no address at all: the guard sees what it resolves to
    guard = Guard(Allowed())
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with pytest.raises(Refused):
        guard.socket((family, socket.SOCK_STREAM, 0, "", (str(address), 443, 0, 0)))
    assert guard.refused == 1


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_the_public_internet_may_be_called(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert may_be_called(address)
    assert not may_be_called(address, [ipaddress.ip_network(f"{text}/{address.max_prefixlen}")])


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("https://app.example/hooks?x=1", True),
        ("https://app.example:8443/", True),
        ("https://app.example:8080/", False),
        ("http://app.example/", False),
        ("https://user@app.example/", False),
        ("https://app.example:99999/", False),
        ("https:///path", False),
        ("app.example", False),
        ("https://app.example/ x", False),
        ("https://app.example/\0", False),
        ("https://app.example/é", False),
        ("https://app.example/\ud800", False),
        ("http://127.0.0.1:8080/hook", True),
        ("http://backend.internal:9/", True),
        ("http://other.internal:9/", False),
    ],
)
def test_a_url_is_judged_by_what_the_operator_allows(url: str, is_fine: bool) -> None:
    assert (fault_of_url(url, LOCAL) is None) is is_fine


class Rebinding(AbstractResolver):
    """Every name is where the test says: as one whose owner answers differently the second time."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self._address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None: ...


async def outcome(outbound: Outbound, url: str) -> tuple[int | None, str | None]:
    endpoint = Endpoint("w", url, ["whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="], 1)
    delivery = Delivery("c", "e", msgspec.Raw(b'{"type":"x"}'))
    attempt = await send(outbound, endpoint, [delivery])
    return attempt.status, attempt.error


INSIDE = ["inside.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0x7f000001"]


@pytest.mark.parametrize("host", INSIDE)
async def test_nothing_is_sent_to_a_name_that_is_inside_nor_to_an_address_that_came_past_the_first_look(
    host: str,
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with listening(app, "127.0.0.1", 0) as port, Outbound(Allowed()) as outbound:
        session = outbound.session(f"http://{host}/")
        session.connector._resolver = Rebinding("127.0.0.1")  # type: ignore[union-attr]
        status, error = await outcome(outbound, f"http://{host}:{port}/")
        assert status is None
        assert error
        assert asked == []
    async with listening(app, "127.0.0.1", 0) as port, Outbound(LOCAL) as allowed:
        assert await outcome(allowed, f"http://127.0.0.1:{port}/") == (200, None)
