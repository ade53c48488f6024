"""What can come of handing one notification to Expo: values, because each of them is expected."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """Expo accepted it; APNs' or FCM's word comes later, as the receipt of this ticket."""

    ticket_id: str


@dataclass(frozen=True)
class Rejected:
    """Never again for this message and device. `dead_token`: the device is not registered any more."""

    reason: str
    dead_token: bool = False


@dataclass(frozen=True)
class Retry:
    """Expo certainly did not take it: try again, not before `after_seconds`."""

    reason: str
    after_seconds: float = 1.0


@dataclass(frozen=True)
class DeviceBusy:
    """The device had too many of late, and did not take this one: tell it later, with what comes until then."""

    reason: str


@dataclass(frozen=True)
class Ambiguous:
    """Expo may have taken it: it has no idempotency key, so the next try may be a second notification."""

    reason: str


@dataclass(frozen=True)
class Stopped:
    """The deployment's credentials are wrong: nothing will go out until a human has changed them."""

    reason: str


@dataclass(frozen=True)
class Late:
    """Its moment had passed before the call set out, so Expo was not called: it needs another moment."""

    reason: str = "too late for its moment"


@dataclass(frozen=True)
class Apart:
    """The call failed for what it held together, and Expo took nothing: to be tried with those of its group alone.

    `foreign`: its group is a project of fewer tokens than another's in the call, so hardly ours.
    """

    reason: str
    group: str
    foreign: bool = False


Outcome = Sent | Rejected | Retry | DeviceBusy | Ambiguous | Stopped | Late | Apart
