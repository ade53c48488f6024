"""Events: each is there once, in one order, and reaches everybody."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from services.verify.history import DeviceHistory, Event, Opened, Step, Told, Truth
from shared.events.message_new import MESSAGE_NEW

_Place = tuple[int, str]
"""A connection of a device, and a conversation."""


def numbered_without_gaps(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Durable events of a conversation are 1, 2, 3, …: messages, and what devices were told that is none."""
    between = _told_that_are_no_messages(devices)
    for conversation, messages in truth.messages.items():
        seqs = [seq for seq, _, _ in messages]
        others = between[conversation].difference(seqs)
        head = truth.head(conversation)
        if sorted([*seqs, *others]) != list(range(1, head + 1)):
            yield f"{conversation} has messages {brief(seqs)} and {len(others)} other events, but goes to {head}"


def a_page_names_its_place(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A page of messages is as of a seq that lies at or above all that it shows: events above it are news to it."""
    for conversation, as_of in truth.heads.items():
        if as_of < truth.newest(conversation):
            yield f"a page of {conversation} shows seq {truth.newest(conversation)} and says that it is as of {as_of}"


def _told_that_are_no_messages(devices: Sequence[DeviceHistory]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for device in devices:
        for step in device.steps:
            if isinstance(step, Event) and step.kind != MESSAGE_NEW.name:
                found[step.conversation_id].add(step.seq)
    return found


def acknowledged_is_stored_once(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A send that got its 201 is there exactly once, under the id and seq answered, whatever it says by now."""
    for conversation, messages in truth.messages.items():
        copies = Counter(text for _, _, text in messages if text)
        yield from (f"{text!r} is {count} times in {conversation}" for text, count in copies.items() if count > 1)
    stored = {(conversation, seq, key) for conversation, rows in truth.messages.items() for seq, key, _ in rows}
    for device in devices:
        for sent in device.acknowledged:
            if (sent.conversation_id, sent.seq, sent.message_id) not in stored:
                yield f"{device.name}: {sent.client_id} was acknowledged as seq {sent.seq} and is not there"


def nothing_lost(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """At the end each device that was ever switched on holds every event of each conversation of its user."""
    for device in devices:
        for conversation, rows in _conversations(device, truth):
            held = device.held.get(conversation, {})
            missing = [seq for seq, _, _ in rows if seq not in held]
            if missing:
                yield f"{device.name} lacks {brief(missing)} of {conversation}"
            elif device.cursors.get(conversation, 0) < truth.head(conversation):
                yield f"{device.name} lacks the events at the end of {conversation}, up to {truth.head(conversation)}"


def one_order_for_all(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A seq is the same message for everybody, and the one that Postgres has."""
    named = {(conversation, seq): key for conversation, rows in truth.messages.items() for seq, key, _ in rows}
    for device in devices:
        for conversation in device.held.keys() & truth.messages.keys():
            for seq, key in device.held[conversation].items():
                if named.get((conversation, seq)) != key:
                    yield f"{device.name} has {key} as seq {seq} of {conversation}"


def same_text_for_all(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Each device shows each message as Postgres has it: after its last edit, and nothing of one that is deleted."""
    for device in devices:
        for conversation in device.texts.keys() & truth.messages.keys():
            shown = device.texts[conversation]
            ends = device.ends.get(conversation, {})
            wrong = [
                seq
                for seq, _, text in truth.messages[conversation]
                if shown.get(seq, text) != text and not (text == "" and seq in ends)
            ]
            if wrong:
                yield f"{device.name} shows another text for {brief(wrong)} of {conversation}"


def ended_is_gone(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Of a message whose time was over when the server was asked, nothing is told any more."""
    for device in devices:
        for conversation in device.ends.keys() & truth.messages.keys():
            ends = device.ends[conversation]
            kept = [
                seq for seq, _, text in truth.messages[conversation] if text and ends.get(seq, "~") < truth.asked_at
            ]
            if kept:
                yield f"{brief(kept)} of {conversation} should have ended before {truth.asked_at}"


def scheduled_is_sent_once(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What the server was to send at a later time is there once."""
    for device in devices:
        for one in device.scheduled:
            copies = sum(text == one.text for _, _, text in truth.messages.get(one.conversation_id, ()))
            if copies != 1:
                yield f"{device.name}: {one.text!r} was scheduled and is {copies} times in {one.conversation_id}"


def once_and_in_order_on_a_connection(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Live events of a conversation come one after another on a connection: above its head, no repeat, no hole.

    A hole is allowed only where the gateway said `sync` for it. The news that something hidden is back may be ahead of
    the messages that brought it, so there it is no head.
    """
    for device in devices:
        expected: dict[_Place, int] = {}
        for step in device.steps:
            place = _expect(expected, step, headless=truth.hideable.keys())
            if place is not None and isinstance(step, Event):
                wanted = expected.get(place, step.seq)
                if step.seq != wanted:
                    yield f"{device.name}: seq {step.seq} came where {wanted} was due, connection {step.connection}"
                expected[place] = max(wanted, step.seq + 1)


def an_open_connection_is_whole(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What is above the head of a connection that is still open came live on it, or `sync` was said for it.

    That the device has it from a sync of its own is luck: without its reconnect it would wait for the next message.
    """
    for device in devices:
        connection = device.open_connection
        expected: dict[_Place, int] = {}
        for step in device.steps:
            place = _expect(expected, step)
            if place is not None and isinstance(step, Event):
                expected[place] = max(expected.get(place, 1), step.seq + 1)
        for conversation, end in truth.ends(device.user_id).items() if connection is not None else ():
            reached = expected.get((connection or 0, conversation), 1) - 1
            if reached < end:
                yield (
                    f"{device.name}: connection {connection} is open and got nothing above seq {reached} of {end}"
                    f" in {conversation}, and was not told to sync"
                )


def _expect(expected: dict[_Place, int], step: Step, headless: Collection[str] = ()) -> _Place | None:
    """Which seq is due after this step, where it says so; the place of a live event, which the caller judges."""
    if isinstance(step, Opened):
        # News of a conversation that the connection is in already may be older than what it brought since.
        for conversation in step.heads.keys() - headless:
            place, head = (step.connection, conversation), step.heads[conversation]
            expected[place] = max(expected.get(place, 1), head + 1)
    elif isinstance(step, Told):
        place = (step.connection, step.conversation_id)
        expected[place] = max(expected.get(place, 1), step.last_seq + 1)
    elif isinstance(step, Event) and step.live:
        return (step.connection, step.conversation_id)
    return None


def _conversations(device: DeviceHistory, truth: Truth) -> Iterator[tuple[str, list[tuple[int, str, str]]]]:
    if any(isinstance(step, Opened) for step in device.steps):
        for conversation, rows in truth.messages.items():
            if device.user_id in truth.members.get(conversation, ()):
                yield conversation, rows


def brief(seqs: Sequence[int]) -> str:
    """The first few of them, and how many there are."""
    shown = ", ".join(map(str, seqs[:5]))
    return shown if len(seqs) <= 5 else f"{shown}, … ({len(seqs)})"
