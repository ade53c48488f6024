"""Was everybody told, and nobody twice without need? Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.fake_expo import Accepted


@dataclass(frozen=True)
class Kill:
    """A pusher's death. `open_claims`: (message id, token) of every call that was not in the ledger's books by then."""

    pusher: str
    at: float
    open_claims: frozenset[tuple[str, str]]

    def explains(self, first: Accepted) -> bool:
        """Whether this pusher had made that call, and did not come to write its outcome down."""
        claim = (first.message["data"]["messageId"], first.token)
        return first.caller == self.pusher and first.at <= self.at and claim in self.open_claims


@dataclass
class Verdict:
    """`unexplained` were told twice although Expo's answer was clear, and written down.

    `over_limit` counts the calls that went over Expo's 600 a second.
    """

    told: int = 0
    missed: list[str] = field(default_factory=list)
    repeated_ambiguous: int = 0
    repeated_killed: int = 0
    unexplained: list[str] = field(default_factory=list)
    other_keys: list[str] = field(default_factory=list)
    over_limit: int = 0

    @property
    def holds(self) -> bool:
        return not (self.missed or self.unexplained or self.other_keys or self.over_limit)

    @property
    def repeats(self) -> int:
        return self.repeated_ambiguous + self.repeated_killed + len(self.unexplained)


def judge(
    accepted: Sequence[Accepted], newest: Mapping[str, int], kills: Sequence[Kill] = (), over_limit: int = 0
) -> Verdict:
    """`newest`: token -> the seq of the last message that it must have been told of, alone or in a burst."""
    verdict = Verdict(over_limit=over_limit)
    by_token: dict[str, list[Accepted]] = defaultdict(list)
    for one in accepted:
        by_token[one.token].append(one)
    verdict.told = len(by_token)
    verdict.missed = [token for token, seq in newest.items() if seq > _furthest(by_token[token])]
    for token, tellings in by_token.items():
        _judge_one(verdict, token, tellings, kills)
    return verdict


def busiest_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max((bisect_left(ordered, at + 1) - index for index, at in enumerate(ordered)), default=0)


def _furthest(tellings: Sequence[Accepted]) -> int:
    return max((one.message["data"]["seq"] for one in tellings), default=0)


def _judge_one(verdict: Verdict, token: str, tellings: Sequence[Accepted], kills: Sequence[Kill]) -> None:
    keys = {one.message.get("collapseId") or one.message.get("tag") for one in tellings}
    if len(keys) != 1:
        verdict.other_keys.append(token)
    earlier: dict[int, Accepted] = {}
    for one in tellings:
        seq = one.message["data"]["seq"]
        if seq in earlier:
            _explain(verdict, token, earlier[seq], kills)
        earlier[seq] = one


def _explain(verdict: Verdict, token: str, first: Accepted, kills: Sequence[Kill]) -> None:
    if first.ambiguous:
        verdict.repeated_ambiguous += 1
    elif any(kill.explains(first) for kill in kills):
        verdict.repeated_killed += 1
    else:
        verdict.unexplained.append(token)
