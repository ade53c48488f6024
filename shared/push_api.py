"""Persistence's internal push routes: what a pusher asks before it calls Expo, and tells afterwards. All POST."""

from typing import Literal

from shared.api import Shape
from shared.streams import Deadline

Cause = Literal["offline", "unacknowledged"]
"""Why a user is to hear of a message: they were not online, or did not take it in time."""

TEXT_CHARACTERS = 120
"""As much of a message as a notification shows, an ellipsis included."""
SENT_CHARACTERS = TEXT_CHARACTERS + 1
"""As much as a pusher is given: enough to see that there is more, and where the last character ends. No pusher needs
more, and a large group would multiply it."""

LAGGARDS = "/internal/push/laggards"
TARGETS = "/internal/push/targets"
CLAIMS = "/internal/push/claims"
OUTCOMES = "/internal/push/outcomes"
DUE_RECEIPTS = "/internal/push/receipts/due"
RECEIPT_OUTCOMES = "/internal/push/receipts/outcomes"


class LaggardsRequest(Shape):
    deadlines: list[Deadline]


class LaggardsAnswer(Shape):
    """For each deadline, in order: the recipients who took the message neither while looking nor by reading it."""

    laggards: list[list[str]]


class Addressee(Shape):
    """A message, and those who should hear of it."""

    conversation_id: str
    message_id: str
    users: list[str]
    cause: Cause = "offline"


class TargetsRequest(Shape):
    addressees: list[Addressee]


class Device(Shape):
    """`registered_at_us`: a token that Expo calls dead is removed only if it was not registered again since."""

    id: str
    token: str
    registered_at_us: int
    platform: str | None = None


class Target(Shape):
    """One user and one message: every fact that decides whether and how they hear of it, read in one snapshot.

    `text` is cut to SENT_CHARACTERS, and empty where it is `opaque`, or where the message is a file alone. `ordinal`
    numbers the conversation's messages, and the user has seen them up to `seen_ordinal`. `devices` are those that may
    still be told of this message: none of a user who is `banned`, nor those, `revoked_devices` many, whose sign-in was
    revoked. `told_devices`: how many were told of it. `blocked`: the user blocks the sender.
    `mentions_only`: muted, but for what mentions the user; `mentioned`: the message did so when it was sent.
    """

    conversation_id: str
    message_id: str
    seq: int
    ordinal: int
    user_id: str
    sender_id: str
    sender_handle: str | None
    text: str
    created_at_ms: int
    is_group: bool
    group_name: str | None
    left: bool
    hidden_seq: int
    attended_seq: int
    read_seq: int
    seen_ordinal: int
    muted_until_ms: int | None
    messages_enabled: bool
    preview: str | None
    quiet_start: int | None
    quiet_end: int | None
    time_zone: str | None
    badge: int
    devices: list[Device]
    told_devices: int = 0
    revoked_devices: int = 0
    banned: bool = False
    cause: Cause = "offline"
    opaque: bool = False
    blocked: bool = False
    mentions_only: bool = False
    mentioned: bool = False


class TargetsAnswer(Shape):
    """A message that is gone has no targets."""

    targets: list[Target]


class Claim(Shape):
    """The wish to call Expo for this message and device now. The ledger grants it to one worker at a time."""

    conversation_id: str
    message_id: str
    seq: int
    user_id: str
    device_id: str
    registered_at_us: int
    cause: Cause = "offline"


class ClaimsRequest(Shape):
    claims: list[Claim]
    lease_seconds: float


class ClaimsAnswer(Shape):
    """For each claim, in order: `granted`, `done` (never again), or `busy` (another worker is at it)."""

    verdicts: list[str]


class Outcome(Shape):
    """What came of a granted claim.

    state: `sent` (with its ticket), `rejected` (for good), `retry` (Expo did not take it), or `ambiguous` (it may have
    been taken). `reason` is Expo's word for it, or says with which message of a burst this one was told. `dead_token`
    asks for the device's removal, unless it was registered again. `badge`: the number that the device shows now, where
    it can show one.
    """

    conversation_id: str
    message_id: str
    user_id: str
    device_id: str
    state: str
    ticket_id: str | None = None
    reason: str | None = None
    dead_token: bool = False
    badge: int | None = None


class Decision(Shape):
    """The policy's reason not to push to this user."""

    conversation_id: str
    message_id: str
    user_id: str
    reason: str
    cause: Cause = "offline"


class OutcomesRequest(Shape):
    outcomes: list[Outcome]
    decisions: list[Decision]


class DueReceipt(Shape):
    """`sender_id`, `at_ms` and the others are what an entry of the undelivered stream would hold.

    `sent_at_ms`: when Expo took it; `platform` None: not known, or the device is gone.
    """

    ticket_id: str
    conversation_id: str
    seq: int
    message_id: str
    sender_id: str
    at_ms: int
    user_id: str
    device_id: str
    sent_at_ms: int = 0
    platform: str | None = None


class DueReceiptsRequest(Shape):
    """At most `limit` tickets whose receipt should be there by now; nobody else is given them for `lease_seconds`."""

    limit: int
    lease_seconds: float


class DueReceiptsAnswer(Shape):
    receipts: list[DueReceipt]


class ReceiptOutcome(Shape):
    """`receipt`: `ok`, Expo's error code, or None where Expo had none yet. `again`: it may be pushed once more.

    `counts`: whether this try is one of the few that a message has. It is not, where nothing at all was wrong with it.
    """

    conversation_id: str
    message_id: str
    device_id: str
    receipt: str | None
    dead_token: bool = False
    again: bool = False
    counts: bool = True


class ReceiptOutcomesRequest(Shape):
    outcomes: list[ReceiptOutcome]


class Done(Shape):
    """The answer where there is nothing to say."""
