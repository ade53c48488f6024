from gateway.websocket.frame_limit import FrameLimit, Verdict
from shared.setting_forms import Bucket


def verdicts(limit: FrameLimit, times: list[float]) -> list[Verdict]:
    debt, given = 0.0, []
    for now in times:
        verdict, debt = limit.judge(debt, now)
        given.append(verdict)
    return given


def test_a_burst_is_allowed_then_refused_then_abuse() -> None:
    given = verdicts(FrameLimit(Bucket(20, 100)), [5.0] * 250)
    assert given[:100] == [Verdict.ALLOWED] * 100
    assert given[100:200] == [Verdict.EXCESS] * 100
    assert given[200:] == [Verdict.ABUSE] * 50


def test_a_client_at_the_rate_is_never_refused() -> None:
    given = verdicts(FrameLimit(Bucket(20, 1)), [1 + n / 20 for n in range(1000)])
    assert set(given) == {Verdict.ALLOWED}


def test_a_client_that_pauses_is_allowed_again() -> None:
    limit = FrameLimit(Bucket(10, 5))
    given = verdicts(limit, [1.0] * 6 + [2.0])
    assert given == [Verdict.ALLOWED] * 5 + [Verdict.EXCESS, Verdict.ALLOWED]
