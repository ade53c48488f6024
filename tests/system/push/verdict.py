"""Was everybody told, and nobody twice without need? Pure."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.fake_expo import Accepted

KILL_SECONDS = 15.0
"""How long before its death a pusher may have made a call that it did not come to write down."""


@dataclass
class Verdict:
    """`unexplained` were told twice although Expo's answer was clear and no pusher was killed at it."""

    told: int = 0
    missed: list[str] = field(default_factory=list)
    repeated_ambiguous: int = 0
    repeated_killed: int = 0
    unexplained: list[str] = field(default_factory=list)
    other_keys: list[str] = field(default_factory=list)
    most_in_a_second: int = 0

    @property
    def holds(self) -> bool:
        return not (self.missed or self.unexplained or self.other_keys) and self.most_in_a_second <= 600


def judge(accepted: Sequence[Accepted], newest: Mapping[str, int], kills: Collection[float]) -> Verdict:
    """`newest`: token -> the seq of the last message that it must have been told of, alone or in a burst."""
    verdict = Verdict(most_in_a_second=busiest_second([one.at for one in accepted]))
    by_token: dict[str, list[Accepted]] = defaultdict(list)
    for one in accepted:
        by_token[one.token].append(one)
    verdict.told = len(by_token)
    verdict.missed = [token for token, seq in newest.items() if seq > _furthest(by_token[token])]
    for token, tellings in by_token.items():
        _judge_one(verdict, token, tellings, sorted(kills))
    return verdict


def busiest_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max((bisect_left(ordered, at + 1) - index for index, at in enumerate(ordered)), default=0)


def _furthest(tellings: Sequence[Accepted]) -> int:
    return max((one.message["data"]["seq"] for one in tellings), default=0)


def _judge_one(verdict: Verdict, token: str, tellings: Sequence[Accepted], kills: Sequence[float]) -> None:
    keys = {one.message.get("collapseId") or one.message.get("tag") for one in tellings}
    if len(keys) != 1:
        verdict.other_keys.append(token)
    earlier: dict[int, Accepted] = {}
    for one in tellings:
        seq = one.message["data"]["seq"]
        if seq in earlier:
            _explain(verdict, token, earlier[seq], kills)
        earlier[seq] = one


def _explain(verdict: Verdict, token: str, first: Accepted, kills: Sequence[float]) -> None:
    if first.ambiguous:
        verdict.repeated_ambiguous += 1
    elif bisect_right(kills, first.at + KILL_SECONDS) > bisect_left(kills, first.at):
        verdict.repeated_killed += 1
    else:
        verdict.unexplained.append(token)
