"""How many upgrades a gateway takes: so many a second, and of one user a tenth of them."""

from shared.limits import LocalBucket, LocalBuckets
from shared.setting_forms import Bucket

ONE_USERS_PART = 10
"""Of the rate; a storm after an outage brings many users, and one whose client connects without a pause is one."""


class AcceptRate:
    """`rate` is ACCEPT_RATE. Pure: time is an argument, in seconds of a clock that only goes forward."""

    def __init__(self, rate: float) -> None:
        self._all = Bucket(rate, max(1.0, rate))
        self._one = Bucket(rate / ONE_USERS_PART, max(10.0, 2 * rate / ONE_USERS_PART))
        self._tokens: LocalBucket | None = None
        self._users = LocalBuckets()

    def wait(self, now: float) -> float:
        """The seconds until anybody may come in: whoever is told to wait has cost nothing yet."""
        if self._tokens is None:
            self._tokens = LocalBucket(self._all, now)
        return self._tokens.wait(self._all, now)

    def take(self, user_id: str, now: float) -> float:
        """Counts an upgrade of this user: 0 where it may go on, else the seconds to wait."""
        wait = self.wait(now) or self._users.take(user_id, self._one, now)
        if not wait and self._tokens is not None:
            self._tokens.take(self._all, now)
        return wait
