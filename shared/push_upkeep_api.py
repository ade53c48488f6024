"""What a pusher asks of persistence besides messages: numbers to lower, pushes to withdraw, arrivals to tell."""

from shared.api import Shape

STALE_BADGES = "/internal/push/badges"
WITHDRAWALS = "/internal/push/withdrawals"
ARRIVALS = "/internal/push/arrivals"


class StaleBadgesRequest(Shape):
    """At most `limit` users."""

    limit: int


class Badge(Shape):
    """A user who read elsewhere, the number that their phones should show now, and those phones' tokens."""

    user_id: str
    unread: int
    tokens: list[str]


class StaleBadgesAnswer(Shape):
    """They are taken: none of them is given again for 20 minutes."""

    badges: list[Badge]


class WithdrawalsRequest(Shape):
    """At most `limit` devices."""

    limit: int


class Withdrawal(Shape):
    """A device that was pushed a message which is deleted now."""

    conversation_id: str
    message_id: str
    user_id: str
    token: str
    platform: str | None = None


class WithdrawalsAnswer(Shape):
    """They are taken: none of them is given again."""

    withdrawals: list[Withdrawal]


class ArrivalsRequest(Shape):
    """Of at most `limit` people."""

    limit: int


class Phone(Shape):
    token: str
    platform: str | None = None


class Arrival(Shape):
    """Somebody who was added to a group, by whom, and on which phones they may hear. Quiet times as in `Target`."""

    conversation_id: str
    user_id: str
    group_name: str | None
    added_by: str | None
    preview: str | None
    quiet_start: int | None
    quiet_end: int | None
    time_zone: str | None
    badge: int
    phones: list[Phone]


class ArrivalsAnswer(Shape):
    """They are taken: none of them is given again. `more`: ask at once."""

    arrivals: list[Arrival]
    more: bool = False
