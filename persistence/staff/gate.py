"""Who may ask for what: users for what is theirs, the staff for what has a role."""

from aiohttp import web

from persistence.staff.ranks import Rank
from persistence.staff.staff import Staff
from shared.auth import Identity
from shared.auth.caller import Caller
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError, forbidden
from shared.http.gate import UserGate


class StaffGate:
    """Lets in users as `UserGate` does, and to an endpoint with a role only those who have it now."""

    def __init__(self, users: UserGate, staff: Staff) -> None:
        self._users = users
        self._staff = staff

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """Raises ApiError as `UserGate`, and 403 for who has not the role."""
        user = await self._users.admit(request, endpoint)
        if endpoint.role and (user is None or not self._staff.may(user.user_id, Rank(endpoint.role))):
            raise forbidden(f"only a {endpoint.role} may do this")
        if endpoint.scope and not (endpoint.admins and user is not None and self._staff.may(user.user_id, Rank.ADMIN)):
            raise missing_scope(endpoint.scope)
        return user

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """As `UserGate`."""
        await self._users.charge(caller, tokens)


def missing_scope(scope: str) -> ApiError:
    return ApiError(403, "scope", f"this needs a server key with the scope {scope}")
