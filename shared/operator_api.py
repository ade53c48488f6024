"""What operators ask of persistence: sockets closed, users banned, sign-ins revoked; and what gateways ask of that."""

from shared.api import Shape

KICK = "/internal/kick"
BAN = "/internal/ban"
REVOKE = "/internal/revoke"
REVOCATIONS = "/internal/revocations"
LONGEST_REVOCATION_SECONDS = 366 * 86_400.0


class KickRequest(Shape):
    """Closes the user's sockets with 1012: their clients come back."""

    user_id: str


class KickAnswer(Shape):
    """`online`: they had one. `told`: Redis took the word to the gateways."""

    online: bool
    told: bool


class BanRequest(Shape):
    """Closes the user's sockets with 4502 and refuses them from now on; `lift` ends that."""

    user_id: str
    lift: bool = False


class BanAnswer(Shape):
    """`changed` is false where it was so already. Without `told` gateways find out by themselves within a minute."""

    changed: bool
    told: bool


class RevokeRequest(Shape):
    """Closes the sockets of a sign-in (the `session_id` of its tokens) with 4503, and refuses its tokens so long."""

    session_id: str
    seconds: float


class RevokeAnswer(Shape):
    """Without `told` gateways find out by themselves within a minute; whoever connects is refused at once."""

    told: bool


class RevocationsRequest(Shape):
    """What was revoked since the `mark` of the last answer; 0: all that still is."""

    since: int = 0


class RevocationsAnswer(Shape):
    """Each sign-in with the time (Unix seconds) until when its tokens are refused."""

    mark: int
    revoked: dict[str, float]
