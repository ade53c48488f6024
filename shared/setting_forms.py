"""The forms of settings: each takes the raw text of a variable and gives its value, or raises ValueError."""

import base64
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared import redis_url
from shared.ids import canonical_id

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PREFIX = re.compile(r"[A-Za-z0-9._:/-]{1,64}\Z")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*\Z")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+/?\Z")


KEY_BYTES = 32
_HOST = re.compile(r"[a-z0-9._:/-]+\Z")
LAST_PORT = 65_535


@dataclass(frozen=True)
class Bucket:
    """A token bucket: `rate` tokens a second, at most `burst` saved up."""

    rate: float
    burst: float


def text(raw: str) -> str:
    return raw


SHORTEST_SECRET = 16
"""Characters that two services share: fewer can be guessed."""


def secret(raw: str) -> str:
    if len(raw) < SHORTEST_SECRET:
        raise ValueError(f"at least {SHORTEST_SECRET} characters")
    return raw


def words(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def claims(raw: str) -> tuple[str, ...]:
    names = words(raw)
    if not names or any(blank in name for name in names for blank in (" ", "\t")):
        raise ValueError("claims such as user_metadata.handle, separated by commas")
    return names


def schemes(raw: str) -> tuple[str, ...]:
    names = words(raw.lower())
    if not names or not all(map(_SCHEME.match, names)):
        raise ValueError("schemes such as https, separated by commas")
    return names


def seconds(raw: str) -> float:
    value = float(raw)
    if not 0 < value < 86_400 * 365:
        raise ValueError("a number of seconds above 0")
    return value


def seconds_or_zero(raw: str) -> float:
    return 0.0 if float(raw) == 0 else seconds(raw)


def days(raw: str) -> float:
    value = float(raw)
    if not 0 <= value <= 3650:
        raise ValueError("a number of days from 0 to 3650")
    return value


def rate(raw: str) -> float:
    value = float(raw)
    if not 0 < value < 1e9:
        raise ValueError("a number above 0")
    return value


def count(raw: str) -> int:
    value = int(raw)
    if value < 1:
        raise ValueError("a whole number above 0")
    return value


LONGEST_HOOK_MS = 5000


def hook_ms(raw: str) -> int:
    value = int(raw)
    if not 1 <= value <= LONGEST_HOOK_MS:
        raise ValueError(f"milliseconds from 1 to {LONGEST_HOOK_MS}")
    return value


def share(raw: str) -> float:
    value = float(raw)
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


def port(raw: str) -> int:
    value = int(raw)
    if not 0 <= value <= LAST_PORT:
        raise ValueError("a port from 0 to 65535")
    return value


def bucket(raw: str) -> Bucket:
    rate, _, burst = raw.partition(":")
    bucket = Bucket(float(rate), float(burst))
    if not (0 < bucket.rate < 1e9 and 1 <= bucket.burst < 1e9):
        raise ValueError("RATE:BURST, such as 50:300")
    return bucket


def url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if urlsplit(raw).scheme not in schemes:
            raise ValueError("a URL that begins with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return raw

    return parse


def base_url(raw: str) -> str:
    """Without a last slash: paths are added."""
    return url("http", "https")(raw).rstrip("/")


def redis_address(raw: str) -> str:
    address = url(*redis_url.SCHEMES)(raw)
    redis_url.seeds(address)
    return address


def redis_prefix(raw: str) -> str:
    """No brace: it would be the hash tag of every name, and put all of them on one node of a cluster."""
    if not _PREFIX.match(raw):
        raise ValueError("1 to 64 letters, digits, or . _ - : /, such as staging:")
    return raw


def origins(raw: str) -> tuple[str, ...]:
    origins = words(raw)
    if not all(origin == "*" or _ORIGIN.match(origin) for origin in origins):
        raise ValueError("origins such as https://app.example, separated by commas")
    return origins


def user_id(raw: str) -> str:
    known = canonical_id(raw)
    if known is None or not known.replace("-", "").strip("0"):
        raise ValueError("a UUID that is not all zeros")
    return known


def keys(raw: str) -> tuple[bytes, ...]:
    """Of 32 bytes, in base64; two where one takes the other's place."""
    found = tuple(base64.b64decode(word, validate=True) for word in words(raw))
    if not found or any(len(key) != KEY_BYTES for key in found):
        raise ValueError("32 bytes in base64, such as of `openssl rand -base64 32`; two separated by a comma")
    return found


def hosts(raw: str) -> tuple[str, ...]:
    """Networks, and names of hosts."""
    found = words(raw.lower())
    if not found or not all(map(_HOST.match, found)):
        raise ValueError("networks or hosts, such as 10.0.0.0/8 or backend.internal, separated by commas")
    return found


def networks(raw: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word, strict=False) for word in words(raw))


def one_of(*words: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return raw.lower()

    return parse


def hint(parse: Callable[[str], Any], error: ValueError) -> str:
    if parse in (seconds, seconds_or_zero):
        return "a number of seconds"
    if parse is keys:
        return "32 bytes in base64, such as of `openssl rand -base64 32`; two separated by a comma"
    if parse is networks:
        return "addresses or networks, such as 10.0.0.0/8, separated by commas"
    return _HINTS.get(parse) or str(error)


_HINTS: dict[Callable[[str], Any], str] = {
    rate: "a number above 0",
    share: "a number from 0 to 1",
    days: "a number of days from 0 to 3650",
    count: "a whole number above 0",
    port: "a port from 0 to 65535",
    bucket: "RATE:BURST, such as 50:300",
}
