import ipaddress

from aiohttp.test_utils import make_mocked_request

from shared.http.gate import bearer
from shared.http.strangers import Strangers
from shared.setting_forms import Bucket

BUCKET = Bucket(1, 1)
PEER = "127.0.0.1"


def strangers(*trusted: str) -> Strangers:
    return Strangers(BUCKET, BUCKET, [ipaddress.ip_network(one) for one in trusted])


def counted(by: Strangers, forwarded: str) -> str:
    class Transport:
        def get_extra_info(self, name: str, default: object = None) -> object:
            return (PEER, 1) if name == "peername" else default

    return by.address_of(make_mocked_request("GET", "/", {"X-Forwarded-For": forwarded}, transport=Transport()))


def test_what_a_stranger_says_of_their_address_does_not_count() -> None:
    assert counted(strangers(), "10.1.2.3") == counted(strangers(), "10.9.9.9") == PEER


def test_what_a_trusted_proxy_says_counts_for_each_of_its_clients() -> None:
    behind = strangers("127.0.0.0/8")

    assert counted(behind, "10.1.2.3") == "10.1.2.3"
    assert counted(behind, "10.9.9.9, 10.1.2.3") == "10.1.2.3"
    assert counted(behind, "10.9.9.9") == "10.9.9.9"


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
