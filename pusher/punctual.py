"""HTTP requests that set out at the moment they were given, or not at all.

Between a decision to call and the first byte of the call lie threads, a connection and its handshake, and whatever else
the machine has to do. So the moment is looked at last of all, when the connection stands and the request is ready.
"""

import threading
import time
from functools import partial
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from pusher.pace import Slot


class TooLate(Exception):
    """The slot was over before the request set out: nothing was sent."""


class Gate(threading.local):
    """What the calling thread's next request waits for; None: nothing."""

    slot: Slot | None = None

    def wait(self) -> None:
        """Returns while the slot is open. Raises TooLate."""
        if self.slot is None:
            return
        time.sleep(max(0.0, self.slot.opens_at - time.monotonic()))
        if self.slot.is_over:
            raise TooLate


class _Punctual:
    """What both kinds of connection share."""

    sock: Any

    def __init__(self, gate: Gate, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gate = gate

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self._gate.wait()
        super().request(*arguments, **options)  # type: ignore[misc]


class _PunctualHTTP(_Punctual, HTTPConnection):
    pass


class _PunctualHTTPS(_Punctual, HTTPSConnection):
    pass


class PunctualAdapter(HTTPAdapter):
    """Sends what passes the gate; at most `connections` at once are kept open."""

    def __init__(self, gate: Gate, connections: int) -> None:
        self._gate = gate
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def get_connection_with_tls_context(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, *arguments, **options)
        kind = _PunctualHTTPS if pool.scheme == "https" else _PunctualHTTP
        pool.ConnectionCls = partial(kind, self._gate)
        return pool
