"""Where a Redis is and how to be let in, read from the URL that redis-py reads too."""

import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from shared.redis_url import DEFAULT_PORT


@dataclass(frozen=True)
class RedisAddress:
    """One Redis server. `url` holds the password: it is for a client, not for a log; `str()` is for a log."""

    url: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """From `redis[s]://[[user]:password@]host[:port]`. Raises ValueError where a port is none."""
        address = cls(url)
        _ = address.port
        return address

    def at(self, host: str, port: int) -> Self:
        """Another node of the same cluster: same credentials, same TLS."""
        parts = urlsplit(self.url)
        login, at, _ = parts.netloc.rpartition("@")
        name = f"[{host}]" if ":" in host else host
        return type(self)(urlunsplit(parts._replace(netloc=f"{login}{at}{name}:{port}")))

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or DEFAULT_PORT

    @property
    def login(self) -> tuple[str, ...]:
        """The arguments of AUTH; empty where none is needed."""
        parts = urlsplit(self.url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if user:
            return (user, password)
        return (password,) if password else ()

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """Reads files, so once an address. Understands redis-py's `ssl_cert_reqs`, `ssl_check_hostname`,
        `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile`; without them the system's authorities are trusted."""
        parts = urlsplit(self.url)
        if parts.scheme != "rediss":
            return None
        options = dict(parse_qsl(parts.query))
        context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
        unverified = options.get("ssl_cert_reqs", "required") == "none"
        if unverified or options.get("ssl_check_hostname", "true").lower() in ("false", "no", "0"):
            context.check_hostname = False
        if unverified:
            context.verify_mode = ssl.CERT_NONE
        if "ssl_certfile" in options:
            context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
        return context

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"RedisAddress({self})"
