"""A push and what came of it, as the ledger keeps them. Pure."""

from pusher.outcomes import Ambiguous, Apart, DeviceBusy, Late, Outcome, Rejected, Retry, Sent, Stopped
from pusher.planning import Push
from shared import push_api


def claim_of(push: Push, message: push_api.Target) -> push_api.Claim:
    """The wish to tell the push's device of this message of it."""
    return push_api.Claim(
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        seq=message.seq,
        user_id=message.user_id,
        device_id=push.device.id,
        registered_at_us=push.device.registered_at_us,
        cause=message.cause,
    )


def outcomes_of(push: Push, said: Outcome) -> list[push_api.Outcome]:
    """The outcome as the ledger keeps it, for each message. The ticket, and so the receipt, is the newest one's."""
    last = push_api.Outcome(
        conversation_id=push.newest.conversation_id,
        message_id=push.newest.message_id,
        user_id=push.newest.user_id,
        device_id=push.device.id,
        state=_STATES[type(said)],
        ticket_id=said.ticket_id if isinstance(said, Sent) else None,
        reason=None if isinstance(said, Sent) else said.reason,
        dead_token=isinstance(said, Rejected) and said.dead_token,
        badge=push.newest.badge if push.device.platform == "ios" else None,
    )
    return [*(_told_with(last, message) for message in push.messages[:-1]), last]


def _told_with(last: push_api.Outcome, message: push_api.Target) -> push_api.Outcome:
    return push_api.Outcome(
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        user_id=message.user_id,
        device_id=last.device_id,
        state=last.state,
        reason=last.reason or f"told with {last.message_id}",
    )


_STATES: dict[type[Outcome], str] = {
    Sent: "sent",
    Rejected: "rejected",
    Ambiguous: "ambiguous",
    Retry: "retry",
    DeviceBusy: "retry",
    # Expo took nothing of what it stopped: that is tried again.
    Stopped: "retry",
    Late: "retry",
    Apart: "retry",
}
