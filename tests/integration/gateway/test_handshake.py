import time
from typing import Any

import aiohttp
import jwt
import pytest

from gateway.endpoints import SUBSCRIBE
from shared.auth import mint
from tests.integration.gateway.world import OwnSite, Phone, World
from tests.integration.rest.conftest import SECRET


async def refused(phone: Phone) -> tuple[str, str, int | None]:
    """The error's code and text, and the close code."""
    frame = await phone.next("error")
    return frame["code"], frame["message"], await phone.closed()


async def test_without_a_token_the_socket_opens_says_so_and_closes(site: OwnSite) -> None:
    code, message, close_code = await refused(await site.dial(None))
    assert (code, close_code) == ("unauthorized", 4401)
    assert message.startswith("Authentication required")


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", mint("another secret, just as long as ours is", "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
)
async def test_a_bad_token_is_told_as_failed(site: OwnSite, token: str) -> None:
    code, message, close_code = await refused(await site.dial(token))
    assert (code, close_code) == ("unauthorized", 4401)
    assert message.startswith("Authentication failed")


@pytest.mark.parametrize("claims", [{"role": "anon"}, {"role": "service_role"}, {"audience": "other"}])
async def test_keys_of_the_same_secret_are_no_users(parley: World, site: OwnSite, claims: dict[str, Any]) -> None:
    token = mint(SECRET, parley.person().id, **claims)
    assert (await refused(await site.dial(token)))[2] == 4401


async def test_the_token_may_come_as_a_header(parley: World, site: OwnSite) -> None:
    ann = parley.person()
    headers = {"Authorization": f"Bearer {ann.token}"}
    phone = Phone(await site.http.ws_connect(site.url + SUBSCRIBE, headers=headers))
    assert (await phone.next("connected"))["userId"] == ann.id


async def test_the_token_may_come_as_a_subprotocol_and_bearer_is_selected(parley: World, site: OwnSite) -> None:
    ann = parley.person()
    phone = Phone(await site.http.ws_connect(site.url + SUBSCRIBE, protocols=("bearer", ann.token)))
    assert phone.socket.protocol == "bearer"
    assert (await phone.next("connected"))["userId"] == ann.id


def dialing(carried_by: str, token: str) -> tuple[str, dict[str, Any]]:
    """The address and the options that carry the token so."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "header": (SUBSCRIBE, {"headers": {"Authorization": f"Bearer {token}"}}),
        "subprotocol": (SUBSCRIBE, {"protocols": ("bearer", token)}),
        "query": (f"{SUBSCRIBE}?token={token}", {}),
    }
    return ways[carried_by]


async def carried(site: OwnSite, by: str, token: str) -> Phone:
    """A socket whose token came so."""
    path, options = dialing(by, token)
    phone = Phone(await site.http.ws_connect(site.url + path, **options))
    site.phones.append(phone)
    return phone


def padded(token: str, size: int) -> str:
    """The same with a claim of so many bytes, as an app puts a user's metadata into its tokens."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**claims, "user_metadata": {"note": "n" * size}}, SECRET, algorithm="HS256")


@pytest.mark.parametrize("carried_by", ["header", "subprotocol", "query"])
async def test_a_token_of_20_kib_is_as_good_as_a_short_one(parley: World, site: OwnSite, carried_by: str) -> None:
    ann = parley.person()
    phone = await carried(site, carried_by, padded(ann.token, 15 * 1024))
    assert (await phone.next("connected"))["userId"] == ann.id


@pytest.mark.parametrize("carried_by", ["header", "subprotocol", "query"])
async def test_a_token_of_40_kib_gets_the_upgrade_the_error_frame_and_4401(site: OwnSite, carried_by: str) -> None:
    code, _, close_code = await refused(await carried(site, carried_by, "a" * 40 * 1024))
    assert (code, close_code) == ("unauthorized", 4401)


async def test_a_plain_request_is_told_that_this_is_a_websocket(site: OwnSite) -> None:
    async with site.http.get(site.url + SUBSCRIBE) as response:
        assert response.status == 426


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://127.0.0.1.evil.example"])
async def test_a_page_of_another_origin_may_not_connect(parley: World, site: OwnSite, origin: str) -> None:
    url = f"{site.url}{SUBSCRIBE}?token={parley.person().token}"
    phone = Phone(await site.http.ws_connect(url, origin=origin))
    assert (await refused(phone))[2] == 4501


async def test_the_own_host_is_an_origin_that_may(parley: World, site: OwnSite) -> None:
    url = f"{site.url}{SUBSCRIBE}?token={parley.person().token}"
    await Phone(await site.http.ws_connect(url, origin=site.url)).next("connected")


async def test_a_full_gateway_asks_to_come_again(parley: World) -> None:
    site = await parley.gateway(max_connections=1)
    await site.connect(parley.person())
    phone = await site.dial(parley.person().token)
    frame = await phone.next("error")
    assert frame["retryAfterMs"] > 0
    assert await phone.closed() == 1013


async def test_too_many_upgrades_at_once_are_refused_before_they_cost_anything(parley: World) -> None:
    site = await parley.gateway(accept_rate=1.0)
    await site.connect(parley.person())
    with pytest.raises(aiohttp.WSServerHandshakeError) as rejection:
        await site.dial(parley.person().token)
    assert rejection.value.status == 503
    assert rejection.value.headers is not None
    assert int(rejection.value.headers["Retry-After"]) >= 1


async def test_an_expired_token_closes_the_socket(parley: World, site: OwnSite) -> None:
    phone = await site.dial(mint(SECRET, parley.person().id, ttl=2))
    await phone.next("connected")
    assert await phone.closed() == 4401


async def test_a_fresh_token_on_the_live_socket_keeps_it(parley: World, site: OwnSite) -> None:
    ann = parley.person()
    phone = await site.dial(mint(SECRET, ann.id, ttl=2))
    await phone.next("connected")
    assert (await phone.ask("auth", token=ann.token))["type"] == "ack"
    [session] = site.gateway.acceptor.sessions()
    assert session.expires_at > time.time() + 60
    with pytest.raises(TimeoutError):
        await phone.closed(seconds=3.2)


async def test_a_strangers_or_a_bad_token_is_refused_and_the_socket_stays(parley: World, site: OwnSite) -> None:
    phone = await site.connect(parley.person())
    for token in (parley.person().token, "x.y.z"):
        answer = await phone.ask("auth", token=token)
        assert (answer["type"], answer["code"]) == ("error", "unauthorized")
        assert answer["message"].startswith("Authentication failed")
    assert (await phone.ask("ping"))["type"] == "pong"


async def test_without_persistence_a_client_is_asked_to_come_again(parley: World) -> None:
    site = await parley.gateway(persistence_url="http://127.0.0.1:9")
    phone = await site.dial(parley.person().token)
    frame = await phone.next("error")
    assert (frame["code"], await phone.closed()) == ("unavailable", 1013)
    assert not site.gateway.own_stats().users
