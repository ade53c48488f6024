"""What users do: assumptions, each of which the command line can change, and the work that follows from them."""

from dataclasses import dataclass

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Habits:
    """Of one user on one day, and of the busiest moment. Averages; `recipients` are those of a message beside its
    sender, of whom `online` have a socket while it is sent."""

    messages_per_day: float = 40.0
    recipients: float = 2.0
    online: float = 0.5
    connected: float = 0.25
    connects_per_day: float = 12.0
    reads_per_day: float = 40.0
    conversations: int = 20
    peak: float = 3.0
    return_seconds: float = 60.0


@dataclass(frozen=True)
class Demand:
    """Of all users together, in the busiest moment, a second; `returning` is when everyone comes back at once."""

    connections: float
    sends: float
    deliveries: float
    receipts: float
    accepts: float
    returning: float
    reads: float
    pushes: float
    messages_per_day: float
    rooms_each: int


def demand(users: int, habits: Habits) -> Demand:
    """The work of so many users. Each recipient who is online acknowledges twice: `delivered`, and later `read`."""
    busiest = users / DAY_SECONDS * habits.peak
    sends = busiest * habits.messages_per_day
    connections = users * habits.connected
    reached = sends * habits.recipients * habits.online
    return Demand(
        connections=connections,
        sends=sends,
        deliveries=reached + sends,  # the sender's own device sees it too
        receipts=2 * reached,
        accepts=busiest * habits.connects_per_day,
        returning=connections / habits.return_seconds,
        reads=busiest * habits.reads_per_day,
        pushes=sends * habits.recipients * (1 - habits.online),
        messages_per_day=users * habits.messages_per_day,
        rooms_each=habits.conversations,
    )
