import ipaddress

from aiohttp.test_utils import make_mocked_request

from shared import keys
from shared.http.gate import Limits, bearer
from shared.limits import ALLOWED, Allowed, Limited
from shared.setting_forms import Bucket

BUCKET = Bucket(1, 1)
PEER = "127.0.0.1"


class Willing:
    async def take(self, checks: object) -> Allowed | Limited:
        return ALLOWED


def limits(*trusted: str) -> Limits:
    return Limits(Willing(), BUCKET, BUCKET, [ipaddress.ip_network(one) for one in trusted])


def counted(of: Limits, forwarded: str) -> str:
    class Transport:
        def get_extra_info(self, name: str, default: object = None) -> object:
            return (PEER, 1) if name == "peername" else default

    request = make_mocked_request("GET", "/", {"X-Forwarded-For": forwarded}, transport=Transport())
    key, bucket = of.address_check(request)
    assert bucket is BUCKET
    return key


def test_what_a_stranger_says_of_their_address_does_not_count() -> None:
    assert counted(limits(), "10.1.2.3") == counted(limits(), "10.9.9.9")


def test_what_a_trusted_proxy_says_counts_for_each_of_its_clients() -> None:
    behind = limits("127.0.0.0/8")

    assert counted(behind, "10.1.2.3") == keys.address_limit("10.1.2.3")
    assert counted(behind, "10.9.9.9, 10.1.2.3") == keys.address_limit("10.1.2.3")
    assert counted(behind, "10.9.9.9") == keys.address_limit("10.9.9.9")


def test_the_bearer_token_stands_after_its_scheme() -> None:
    def of(header: str) -> str | None:
        return bearer(make_mocked_request("GET", "/", {"Authorization": header}))

    assert [of("Bearer abc"), of("bearer  abc "), of("Basic abc"), of("Bearer"), of("")] == [
        "abc",
        "abc",
        None,
        None,
        None,
    ]
