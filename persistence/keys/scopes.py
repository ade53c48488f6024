"""What a server key may do."""

from collections.abc import Iterable

from shared.http.endpoint import Endpoint

SCOPES = (
    "act_as",
    "users",
    "conversations",
    "messages",
    "moderation",
    "privacy",
    "webhooks",
    "import",
    "analytics",
    "keys",
)
READ = ":read"
"""After a scope: only what changes nothing."""
EVERY = (*SCOPES, *(scope + READ for scope in SCOPES))
ACT_AS = "act_as"

_HARMLESS = frozenset({"GET", "HEAD"})


def closed(scopes: Iterable[str]) -> frozenset[str]:
    """With the `:read` that each of them includes."""
    given = set(scopes)
    return frozenset(given | {scope + READ for scope in given if not scope.endswith(READ)})


def wanted(scope: str, method: str) -> str:
    """The least of a scope with which this method may be used."""
    return scope + READ if method in _HARMLESS else scope


def is_for_users(endpoint: Endpoint) -> bool:
    """Whether a key may ask for it as a user: only what users ask for themselves, never the staff's."""
    return not endpoint.role and endpoint.path.startswith(("/api/", "/notifications/"))
