"""Judges histories against the guarantees. Pure: the same histories give the same violations.

Each check is named after what it would catch; a violation is one line that a person can follow up.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from services.verify.history import DeviceHistory, Event, Opened, ReceiptSeen, Told, Truth

Check = Callable[[Sequence[DeviceHistory], Truth], Iterator[str]]


def violations(devices: Sequence[DeviceHistory], truth: Truth) -> list[str]:
    """Every violation of every guarantee; none where all of them held."""
    return [f"{check.__name__}: {found}" for check in CHECKS for found in check(devices, truth)]


def numbered_without_gaps(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Durable events of a conversation are 1, 2, 3, … in Postgres."""
    for conversation, messages in truth.messages.items():
        seqs = [seq for seq, _, _ in messages]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"{conversation} has seqs {_brief(seqs)}"


def acknowledged_is_stored_once(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A send that got its 201 is there exactly once, under the id and seq that were answered."""
    for conversation, messages in truth.messages.items():
        copies = Counter(text for _, _, text in messages)
        yield from (f"{text!r} is {count} times in {conversation}" for text, count in copies.items() if count > 1)
    stored = {(conversation, *row) for conversation, rows in truth.messages.items() for row in rows}
    for device in devices:
        for sent in device.acknowledged:
            if (sent.conversation_id, sent.seq, sent.message_id, sent.text) not in stored:
                yield f"{device.name}: {sent.client_id} was acknowledged as seq {sent.seq} and is not there"


def nothing_lost(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """At the end each device holds every event of each conversation of its user."""
    for device in devices:
        for conversation, rows in truth.messages.items():
            if device.user_id in truth.members.get(conversation, ()):
                held = device.held.get(conversation, {})
                missing = [seq for seq, _, _ in rows if seq not in held]
                if missing:
                    yield f"{device.name} lacks {_brief(missing)} of {conversation}"


def one_order_for_all(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A seq is the same message for everybody, and the one that Postgres has."""
    named = {(conversation, seq): key for conversation, rows in truth.messages.items() for seq, key, _ in rows}
    for device in devices:
        for conversation, held in device.held.items():
            for seq, key in held.items():
                if named.get((conversation, seq)) != key:
                    yield f"{device.name} has {key} as seq {seq} of {conversation}"


def once_and_in_order_on_a_connection(devices: Sequence[DeviceHistory], _: Truth) -> Iterator[str]:
    """Live events of a conversation come one after another on a connection: above its head, no repeat, no hole.

    A hole is allowed only where the gateway said `sync` for it.
    """
    for device in devices:
        expected: dict[tuple[int, str], int] = {}
        for step in device.steps:
            if isinstance(step, Opened):
                expected.update({(step.connection, one): head + 1 for one, head in step.heads.items()})
            elif isinstance(step, Told):
                place = (step.connection, step.conversation_id)
                expected[place] = max(expected.get(place, 1), step.last_seq + 1)
            elif isinstance(step, Event) and step.live:
                place = (step.connection, step.conversation_id)
                wanted = expected.get(place, step.seq)
                if step.seq != wanted:
                    yield f"{device.name}: seq {step.seq} came where {wanted} was due, connection {step.connection}"
                expected[place] = max(wanted, step.seq + 1)


def receipts_point_at_what_exists(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A receipt names a member of the conversation and a seq that there is."""
    heads = {conversation: len(rows) for conversation, rows in truth.messages.items()}
    for device in devices:
        for step in device.steps:
            if isinstance(step, ReceiptSeen) and step.conversation_id in heads:
                if step.seq > heads[step.conversation_id]:
                    yield f"{device.name}: a receipt for seq {step.seq} of {heads[step.conversation_id]}"
                if step.reader_id not in truth.members[step.conversation_id]:
                    yield f"{device.name}: a receipt of the stranger {step.reader_id}"


def receipts_reach_the_devices(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """How far others have read, as a device heard it, is never past what Postgres says."""
    for device in devices:
        for step in device.steps:
            if isinstance(step, ReceiptSeen) and step.status == "read":
                stored = truth.read.get((step.reader_id, step.conversation_id))
                if stored is not None and step.seq > stored:
                    yield f"{device.name}: {step.reader_id} read up to {step.seq}, but Postgres says {stored}"


def unread_is_right(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Unread counts what lies above the read cursor."""
    for (user, conversation), count in truth.unread.items():
        read = truth.read[user, conversation]
        expected = sum(1 for seq, _, _ in truth.messages[conversation] if seq > read)
        if count != expected:
            yield f"{user} has {count} unread in {conversation}, {expected} lie above {read}"


def presence_tells_the_truth(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """After settling, who is connected is online, and nobody else."""
    for user, expected in truth.expected_online.items():
        if truth.online.get(user) is not expected:
            yield f"{user} is online: {truth.online.get(user)}, should be {expected}"


CHECKS: tuple[Check, ...] = (
    numbered_without_gaps,
    acknowledged_is_stored_once,
    nothing_lost,
    one_order_for_all,
    once_and_in_order_on_a_connection,
    receipts_point_at_what_exists,
    receipts_reach_the_devices,
    unread_is_right,
    presence_tells_the_truth,
)


def _brief(seqs: Sequence[int]) -> str:
    """The first few of them, and how many there are."""
    shown = ", ".join(map(str, seqs[:5]))
    return shown if len(seqs) <= 5 else f"{shown}, … ({len(seqs)})"
