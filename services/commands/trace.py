"""Tells the life of a message, in lines for people, or as JSON."""

import argparse
from collections.abc import Iterator

import msgspec

from persistence.trace.store import DeviceTrace, RecipientTrace, Trace
from persistence.trace.store import trace as read_trace
from services import attached, openings
from services.printing import say
from shared.ids import canonical_id
from shared.settings import SettingError, Settings
from shared.texts import escaped


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("message_id", metavar="MESSAGE_ID", help="a UUID")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    attached.data_argument(parser)
    parser.epilog = "Uses DATABASE_URL, else the Postgres of an `up` that runs."


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    message_id = canonical_id(chosen.message_id)
    if message_id is None:
        raise SettingError(f"MESSAGE_ID must be a UUID, not {chosen.message_id!r}")
    async with openings.database(attached.database_url(settings, chosen), size=1, wait_seconds=0) as pool:
        found = await read_trace(pool, message_id)
    if found is None:
        raise SettingError(f"there is no message {message_id}")
    if chosen.json:
        say(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        say("\n".join(lines(found, settings.ack_timeout)))
    return 0


def lines(found: Trace, ack_timeout_seconds: float) -> Iterator[str]:
    """The message first, then each recipient, then each of their devices."""
    yield f"message {found.message_id}"
    yield f"  in {found.conversation_id} as seq {found.seq}, from {found.sender_id}"
    yield f"  committed {found.committed_at}"
    yield f"  {'published' if found.published else 'waits in the outbox'}"
    yield f"  deadline for who was connected: {found.deadline_at(ack_timeout_seconds)}"
    for recipient in found.recipients:
        yield from _recipient(recipient)


def _recipient(recipient: RecipientTrace) -> Iterator[str]:
    yield f"to {escaped(recipient.handle or 'somebody who never signed in')} ({recipient.user_id})"
    yield f"  {_CONNECTED[recipient.connected]}"
    for word, is_so, since in (
        ("delivered", recipient.delivered, recipient.delivered_at),
        ("delivered while looking", recipient.attended, recipient.attended_at),
        ("read", recipient.read, recipient.read_at),
    ):
        if is_so:
            yield f"  {word} {since or 'at a time that is not known any more'}"
    if recipient.left_at:
        yield f"  left the conversation {recipient.left_at}"
    if recipient.last_seen_at:
        yield f"  last seen {recipient.last_seen_at}"
    if recipient.decision and not any(device.state == "untold" for device in recipient.devices):
        yield f"  no push: {recipient.decision}{f', decided {recipient.decided_at}' if recipient.decided_at else ''}"
    for device in recipient.devices:
        yield from _device(device)
    if not recipient.devices and not recipient.decision:
        yield "  push: none asked for" if recipient.delivered else "  push: not decided yet"


def _device(device: DeviceTrace) -> Iterator[str]:
    yield f"  device {device.device_id} ({device.platform or 'platform not known'})"
    if device.state == "untold":
        yield f"    no push: {device.reason}, decided {device.settled_at}"
        return
    tries = "1 try" if device.attempts == 1 else f"{device.attempts} tries"
    why = f": {device.reason}" if device.reason else ""
    yield f"    {_STATES[device.state]}{why}, {device.settled_at} ({tries}, first {device.claimed_at})"
    if device.ticket_id:
        yield f"    ticket {device.ticket_id}, receipt: {device.receipt or 'not there yet'}"


_CONNECTED = {
    True: "was connected",
    False: "was offline",
    None: "whether they were connected is not known",
}
_STATES = {
    "calling": "not settled",
    "sent": "Expo accepted the push",
    "rejected": "Expo rejected the push",
    "unclear": "Expo never said whether it took the push, and is not asked again",
}
