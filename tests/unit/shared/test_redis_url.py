import pytest

from shared.redis_url import is_cluster, seeds
from shared.settings import SettingError, from_mapping


def test_each_host_of_a_cluster_is_a_server_with_the_same_login_and_options() -> None:
    url = "rediss+cluster://gateway:p%40ss@a.example:7000,b.example,[fd00::9]:7002/?ssl_cert_reqs=none"

    assert is_cluster(url)
    assert seeds(url) == [
        "rediss://gateway:p%40ss@a.example:7000/?ssl_cert_reqs=none",
        "rediss://gateway:p%40ss@b.example/?ssl_cert_reqs=none",
        "rediss://gateway:p%40ss@[fd00::9]:7002/?ssl_cert_reqs=none",
    ]


def test_a_url_of_one_server_is_that_server() -> None:
    assert seeds("redis://:secret@redis.example:6380/0") == ["redis://:secret@redis.example:6380/0"]


@pytest.mark.parametrize(
    "url",
    [
        "redis://a:6379,b:6379",
        "redis+cluster://a:6379,",
        "redis+cluster://a:6379,b:many",
        "redis+cluster://a:6379,b:70000",
        "redis://a:0",
    ],
)
def test_hosts_or_ports_that_are_none_stop_the_start(url: str) -> None:
    with pytest.raises(SettingError, match=r"^REDIS_URL is malformed: "):
        from_mapping({"REDIS_URL": url})
