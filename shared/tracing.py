"""Spans: one trace from a request over outbox, Redis and gateway to the socket write, for whoever does a step of it.

A trace is sampled, or not, where it begins. Of one that is not there is no span, nothing in the outbox and nothing in
Redis. The composition root decides which `Tracing` a process gets.
"""

from collections.abc import Mapping
from typing import Final, Protocol

CONTEXT_BYTES: Final = 24
"""How other processes know a span: 16 bytes of trace id, 8 of span id, as in W3C Trace Context."""

COMMIT: Final = "commit"
"""A message's wait for its statement, and the statement."""
PUBLISH: Final = "publish"
"""From the offer to Redis' answer."""
RELAY: Final = "relay"
"""The same, by the relay, for whoever did not come to it."""
DELIVER: Final = "deliver"
"""In a gateway: from Redis to the last socket write."""
PUSH: Final = "push"
"""In a pusher: from taking up a message that somebody missed until it is settled, Expo's answer included."""

Facts = Mapping[str, str | int]
NO_FACTS: Final[Facts] = {}


class Span(Protocol):
    """A step under way. One that never ends is never told of."""

    @property
    def context(self) -> bytes:
        """CONTEXT_BYTES, for the spans below it."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits, for log lines."""

    def end(self, facts: Facts = NO_FACTS, *, error: str | None = None) -> None: ...


class Tracing(Protocol):
    """Nothing here waits or raises."""

    def request(self, method: str, route: str, headers: Mapping[str, str]) -> Span | None:
        """A request begins. None where it is not sampled, as most are not."""

    def step(self, name: str, parent: bytes) -> Span | None:
        """One of the steps above begins, below the span of this context. None where this process does not trace."""


class NoTracing:
    """For a process that does not trace."""

    def request(self, _method: str, _route: str, _headers: Mapping[str, str]) -> Span | None:
        return None

    def step(self, _name: str, _parent: bytes) -> Span | None:
        return None
