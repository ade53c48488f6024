"""A gate of its own for some paths, and another one for all others."""

from collections.abc import Mapping

from aiohttp import web

from shared.auth.caller import Caller
from shared.http.endpoint import Endpoint
from shared.http.serving import Gate


class ByPath:
    """A `serving.Gate`."""

    def __init__(self, gates: Mapping[str, Gate], otherwise: Gate) -> None:
        self._gates = gates
        self._otherwise = otherwise

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Caller | None:
        """As the path's gate."""
        return await self._gates.get(endpoint.path, self._otherwise).admit(request, endpoint)

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Only the last of the gates admits anybody by name."""
        await self._otherwise.charge(caller, tokens)
