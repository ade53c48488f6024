"""REDIS_URL: which servers it names. Pure."""

from urllib.parse import urlsplit, urlunsplit

SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")
DEFAULT_PORT = 6379


def is_cluster(url: str) -> bool:
    return url.split("://", 1)[0].endswith("+cluster")


def seeds(url: str) -> list[str]:
    """The URL of each server that `url` names, without `+cluster`. Only a cluster's names several:
    `redis+cluster://user:password@a:6379,b:6379`.

    Raises ValueError where a host or a port is none, or where it is not a cluster that has several.
    """
    parts = urlsplit(url.replace("+cluster", "", 1))
    login, at, hosts = parts.netloc.rpartition("@")
    named = [urlunsplit(parts._replace(netloc=f"{login}{at}{host.strip()}")) for host in hosts.split(",")]
    if len(named) > 1 and not is_cluster(url):
        raise ValueError("only redis+cluster:// may name several hosts")
    for one in named:
        if urlsplit(one).port == 0 or (len(named) > 1 and not urlsplit(one).hostname):
            raise ValueError("redis+cluster://host:port,host:port")
    return named
