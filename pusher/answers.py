"""What came of a call to Expo, and what it left to do. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pusher.outcomes import Ambiguous, Apart, DeviceBusy, Late, Outcome, Rejected, Retry, Sent, Stopped
from pusher.planning import Key, Push

LONGEST_PAUSE_SECONDS = 2.0
"""What must wait longer than this goes back to where it came from, instead of holding up its batch."""


@dataclass(frozen=True)
class Left:
    """What calls left undone. `unsettled`: to be tried again. `postponed`: its device, or platform, takes none now."""

    unsettled: set[Key] = field(default_factory=set)
    postponed: set[Key] = field(default_factory=set)

    def __or__(self, other: "Left") -> "Left":
        return Left(self.unsettled | other.unsettled, self.postponed | other.postponed)


@dataclass(frozen=True)
class Group:
    """The pushes of one call. `foreign`: they are hardly our project's, so a refusal of credentials is theirs alone."""

    pushes: Sequence[Push]
    foreign: bool = False


@dataclass(frozen=True)
class Answered:
    """What came of one call: what is to be tried again soon, what by groups, and what it left.

    `late`: it did not set out, which says nothing of what it would have been answered.
    """

    again: list[Push]
    pause_seconds: float
    apart: list[Group]
    left: Left
    late: bool = False


def answered_of(answered: Sequence[tuple[Push, Outcome]], busy: set[Key], held: Iterable[Push]) -> Answered:
    """`busy`: another worker is at them. `held`: their platform is halted."""
    again = [(push, said) for push, said in answered if _soon(said)]
    pause = max((said.after_seconds for _, said in again if isinstance(said, Retry)), default=0.0)
    postponed = keys_of([*held, *(push for push, said in answered if isinstance(said, DeviceBusy))])
    unclear = (push for push, said in answered if isinstance(said, Ambiguous | Stopped | Retry) and not _soon(said))
    left = Left(busy | keys_of(unclear), postponed)
    late = any(isinstance(said, Late) for _, said in answered)
    return Answered([push for push, _ in again], pause, _groups(answered), left, late)


def writable(answered: Sequence[tuple[Push, Outcome]], *, leased: bool) -> list[tuple[Push, Outcome]]:
    """What may be written down of a call.

    Who was held up for longer than its lease has lost its claims to another worker, who may be calling now: it can
    still say that something is settled, but must not open it for a third.
    """
    return [(push, said) for push, said in answered if leased or isinstance(said, Sent | Rejected)]


def judged(said: Sequence[Outcome], *, foreign: bool) -> list[Outcome]:
    """Expo's word on another project's token must not stop the pushes to our own."""
    return [Rejected(one.reason) if foreign and isinstance(one, Stopped) else one for one in said]


def _groups(answered: Sequence[tuple[Push, Outcome]]) -> list[Group]:
    groups: dict[tuple[str, bool], list[Push]] = defaultdict(list)
    for push, said in answered:
        if isinstance(said, Apart):
            groups[said.group, said.foreign].append(push)
    return [Group(pushes, foreign) for (_, foreign), pushes in groups.items()]


def _soon(said: Outcome) -> bool:
    return isinstance(said, Late) or (isinstance(said, Retry) and said.after_seconds <= LONGEST_PAUSE_SECONDS)


def keys_of(pushes: Iterable[Push]) -> set[Key]:
    return {key for push in pushes for key in push.keys}
