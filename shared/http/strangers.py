"""Requests that no good token came with, counted by address in this process alone: no stranger makes Redis work, and
none takes from what an address' users have.
"""

from collections.abc import Sequence
from time import monotonic

from aiohttp import web
from prometheus_client import Counter

from shared.address import client_address, limit_key
from shared.http.errors import limited
from shared.limits.local import LocalBuckets
from shared.setting_forms import Bucket, Network

REFUSED = Counter(
    "parley_http_refused_total",
    "Requests without a good token that were answered 429: `request` for too many of one address, `failure` for too"
    " many bad tokens of one, `health` for too many questions after health; `unread`"
    " for what followed a refusal on its connection too soon, also with a token.",
    ["bucket"],
)
_REFUSED = {bucket: REFUSED.labels(bucket) for bucket in ("request", "failure", "health")}

HEALTH = Bucket(20, 100)
"""Apart: a load balancer that asks this way must not be refused for what its clients do."""


class Strangers:
    """A limit of each process. `requests` are for all that needs no token, also for what is not there; `failures` for
    tokens that are not good, apart from the rest: of two phones behind one NAT one may have a bad token, and then the
    other one, with a good one, is not refused for it.
    """

    def __init__(self, requests: Bucket, failures: Bucket, trusted_proxies: Sequence[Network] = ()) -> None:
        self._requests, self._failures = requests, failures
        self._trusted_proxies = trusted_proxies
        self._buckets = {bucket: LocalBuckets() for bucket in _REFUSED}

    def address_of(self, request: web.BaseRequest) -> str:
        """The client's address, as limits count: see `shared.address`."""
        forwarded = request.headers.getall("X-Forwarded-For", ()) if self._trusted_proxies else ()
        return limit_key(client_address(request.remote, forwarded, self._trusted_proxies))

    def admit(self, request: web.BaseRequest) -> None:
        """Counts a request. Raises ApiError 429."""
        self._take("request", self._requests, request, mutes=True)

    def failed(self, request: web.BaseRequest) -> None:
        """Counts a token that was not good. Raises ApiError 429."""
        self._take("failure", self._failures, request)

    @classmethod
    def uncounted(cls) -> "Strangers":
        """For who is not to count anybody."""
        return cls(Bucket(1e9, 1e9), Bucket(1e9, 1e9))

    def asks_for_health(self, request: web.BaseRequest) -> None:
        """Raises ApiError 429."""
        self._take("health", HEALTH, request)

    def _take(self, name: str, bucket: Bucket, request: web.BaseRequest, *, mutes: bool = False) -> None:
        wait = self._buckets[name].take(self.address_of(request), bucket, monotonic())
        if wait:
            _REFUSED[name].inc()
            raise limited(wait, mutes_strangers=mutes)


STRANGERS = web.RequestKey("strangers", Strangers)
"""Of a request to a raw route, which counts its callers itself."""
