"""Receipts: forward only, never past what was said, never lost; and the unread counts that follow from them."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf

from services.verify.history import Acknowledged, Answered, DeviceHistory, MinimaSeen, ReceiptSeen, Said, Truth

_Reader = tuple[str, str]
"""(user, conversation)"""


def receipts_point_at_what_exists(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """A receipt names a member of the conversation and a seq that there is."""
    heads = {conversation: truth.newest(conversation) for conversation in truth.messages}
    for device, step in _receipts(devices, truth):
        if step.seq > heads[step.conversation_id]:
            yield f"{device.name}: a receipt for seq {step.seq} of {heads[step.conversation_id]}"
        if step.reader_id not in truth.members[step.conversation_id]:
            yield f"{device.name}: a receipt of the stranger {step.reader_id}"


def receipts_only_go_forward(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """On a connection nobody is said to have come less far than before."""
    furthest: dict[tuple[str, int, str, str, str], int] = {}
    for device, step in _receipts(devices, truth):
        place = (device.name, step.connection, step.conversation_id, step.reader_id, step.status)
        if step.seq < furthest.get(place, 0):
            yield f"{device.name}: {step.status} of {step.reader_id} went from {furthest[place]} back to {step.seq}"
        furthest[place] = max(step.seq, furthest.get(place, 0))


def receipts_cover_only_what_was_said(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Nobody is said to have, or to have read, more than they reported, or sent themselves, until then.

    A report past the end counts as the end at that moment: it covers no message whose sending began after its answer.
    """
    claims = _Claims(devices)
    for device, step in _receipts(devices, truth):
        reader = (step.reader_id, step.conversation_id)
        most = claims.furthest(reader, step.status, step.at)
        if step.seq > most:
            yield f"{device.name}: {step.reader_id} is said to have {step.status} up to {step.seq}, but said {most:.0f}"
    for reader, stored in truth.read.items():
        most = claims.furthest(reader, "read", inf)
        if claims.knows(reader) and truth.newest(reader[1], stored) > most:
            yield f"{reader[0]} has read up to {stored} of {reader[1]} in Postgres, but said {most:.0f}"


def nobody_is_behind_all(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What everybody is said to have, or to have read, only grows on a connection, and everybody else has it."""
    for device in devices:
        furthest: dict[tuple[int, str], tuple[int, int]] = {}
        for step in device.steps:
            if isinstance(step, MinimaSeen):
                place, said = (step.connection, step.conversation_id), (step.delivered, step.read)
                before = furthest.get(place, (0, 0))
                if said[0] < before[0] or said[1] < before[1]:
                    yield f"{device.name}: the minima of {step.conversation_id} went from {before} back to {said}"
                furthest[place] = said
                yield from _beyond(device, step, truth)


def _beyond(device: DeviceHistory, step: MinimaSeen, truth: Truth) -> Iterator[str]:
    place = (device.user_id, step.conversation_id)
    for status, said, stored in (
        ("delivered", step.delivered, truth.delivered_up_to.get(place)),
        ("read", step.read, truth.read_up_to.get(place)),
    ):
        if stored is not None and said > stored:
            yield f"{device.name}: all have {status} {step.conversation_id} up to {said}, but in Postgres to {stored}"


def receipts_are_stored(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """How far others have read, as a device heard it, is never past what Postgres says in the end."""
    for device, step in _receipts(devices, truth):
        stored = truth.read.get((step.reader_id, step.conversation_id))
        if step.status == "read" and stored is not None and step.seq > stored:
            yield f"{device.name}: {step.reader_id} read up to {step.seq}, but Postgres says {stored}"


def reports_are_stored(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What was reported is stored in the end, whoever died on the way: reports are said again on a new connection."""
    for device in devices:
        for step in device.steps:
            if isinstance(step, Said) and step.status == "read" and step.seq is not None:
                stored = truth.read.get((device.user_id, step.conversation_id), step.seq)
                if stored < step.seq:
                    yield f"{device.name} read up to {step.seq} of {step.conversation_id}, stored is {stored}"
    held = _held(devices)
    for (user, conversation), up_to in truth.delivered_up_to.items():
        others = [held.get((other, conversation)) for other in truth.members[conversation] if other != user]
        least = min((seq for seq in others if seq is not None), default=0)
        if None not in others and up_to < least:
            yield f"all others of {user} in {conversation} have {least} and said so, stored is {up_to}"


def unread_is_right(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """Unread counts what lies above the read cursor, less the tombstones: nobody here sends a message without text."""
    for (user, conversation), count in truth.unread.items():
        read = truth.read[user, conversation]
        expected = sum(1 for seq, _, text in truth.messages[conversation] if seq > read and text)
        if count != expected:
            yield f"{user} has {count} unread in {conversation}, {expected} lie above {read}"


def unread_adds_up(_: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """What is told over all conversations is what they say one by one."""
    for user, (listed, told) in truth.totals.items():
        if listed != told:
            yield f"{user} has {told} unread over all, their list adds up to {listed}"


class _Claims:
    """How far each reader can have come at each moment, by all that their devices said and sent."""

    def __init__(self, devices: Sequence[DeviceHistory]) -> None:
        began = _began(devices)
        spoken: dict[tuple[_Reader, str], list[tuple[float, float]]] = defaultdict(list)
        for device in devices:
            for conversation, status, at, seq in _said(device, began):
                reader = (device.user_id, conversation)
                spoken[reader, "delivered"].append((at, seq))
                if status == "read":
                    spoken[reader, "read"].append((at, seq))
        self._furthest = {key: _rising(claims) for key, claims in spoken.items()}

    def knows(self, reader: _Reader) -> bool:
        return (reader, "delivered") in self._furthest

    def furthest(self, reader: _Reader, status: str, at: float) -> float:
        moments, seqs = self._furthest.get((reader, status), ([], []))
        place = bisect.bisect_right(moments, at)
        return seqs[place - 1] if place else 0


def _said(
    device: DeviceHistory, began: Mapping[str, Sequence[tuple[float, int]]]
) -> Iterator[tuple[str, str, float, float]]:
    """(conversation, status, moment, seq) of each report and each send, which reads what is before it."""
    answered = {step.ref: step.at for step in device.steps if isinstance(step, Answered)}
    for step in device.steps:
        if isinstance(step, Said):
            end = _end(began.get(step.conversation_id, ()), answered.get(step.ref, inf))
            yield step.conversation_id, step.status, step.at, end if step.seq is None else step.seq
    for sent in device.acknowledged:
        yield sent.conversation_id, "read", sent.began, sent.seq


def _end(began: Sequence[tuple[float, int]], answered_at: float) -> float:
    """The last message whose sending had begun by then; without an answer there is no saying when it was looked at."""
    if answered_at == inf:
        return inf
    return max((seq for at, seq in began if at <= answered_at), default=0)


def _began(devices: Sequence[DeviceHistory]) -> dict[str, list[tuple[float, int]]]:
    began: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for sent in _sent(devices):
        began[sent.conversation_id].append((sent.began, sent.seq))
    return began


def _sent(devices: Sequence[DeviceHistory]) -> Iterator[Acknowledged]:
    for device in devices:
        yield from device.acknowledged


def _rising(claims: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Moments in order, and the furthest seq that was claimed by each."""
    moments: list[float] = []
    seqs: list[float] = []
    for at, seq in sorted(claims):
        moments.append(at)
        seqs.append(max(seq, seqs[-1] if seqs else 0))
    return moments, seqs


def _held(devices: Sequence[DeviceHistory]) -> dict[_Reader, int]:
    """The newest message that each user's furthest device holds."""
    held: dict[_Reader, int] = {}
    for device in devices:
        for conversation, events in device.held.items():
            reader = (device.user_id, conversation)
            held[reader] = max(max(events, default=0), held.get(reader, 0))
    return held


def _receipts(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[tuple[DeviceHistory, ReceiptSeen]]:
    for device in devices:
        for step in device.steps:
            if isinstance(step, ReceiptSeen) and step.conversation_id in truth.messages:
                yield device, step
