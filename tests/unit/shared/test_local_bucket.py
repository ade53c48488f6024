import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.limits.breaker import PROBE_SECONDS, Breaker
from shared.limits.local import LocalBucket, LocalBuckets
from shared.setting_forms import Bucket


def test_a_burst_is_let_through_at_once_then_as_many_as_the_rate_allows() -> None:
    bucket = Bucket(rate=10, burst=3)
    own = LocalBucket(bucket, now=0)
    assert [own.take(bucket, 0) for _ in range(3)] == [0, 0, 0]
    assert own.take(bucket, 0) == pytest.approx(0.1)
    assert own.take(bucket, 0.05) == pytest.approx(0.05)
    assert own.take(bucket, 0.1) == 0
    assert own.take(bucket, 0.1) > 0


def test_no_more_than_the_burst_is_saved_up() -> None:
    bucket = Bucket(rate=10, burst=2)
    own = LocalBucket(bucket, now=0)
    assert [own.take(bucket, 1e6) == 0 for _ in range(3)] == [True, True, False]


@given(st.floats(0.1, 1e3), st.integers(1, 100), st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_never_more_than_burst_plus_rate_times_time_and_after_the_wait_there_is_one(
    rate: float, burst: int, gaps: list[float]
) -> None:
    bucket, now, taken = Bucket(rate, burst), 0.0, 0
    own = LocalBucket(bucket, now)
    for gap in gaps:
        now += gap
        wait = own.take(bucket, now)
        taken += wait == 0
        assert taken <= burst + now * rate + 1e-6
        if wait > 0:
            now += wait + 1e-6
            assert own.take(bucket, now) == 0
            taken += 1


def test_a_bucket_holds_two_numbers_and_no_more() -> None:
    assert not hasattr(LocalBucket(Bucket(1, 1), 0), "__dict__")


def test_the_keys_used_last_are_kept_and_each_counts_for_itself() -> None:
    bucket, buckets = Bucket(1, 1), LocalBuckets(most=2)
    assert buckets.take("a", bucket, 0) == 0
    assert buckets.take("b", bucket, 0) == 0
    assert buckets.take("a", bucket, 0) > 0
    assert buckets.take("c", bucket, 0) == 0
    assert len(buckets) == 2
    assert buckets.take("a", bucket, 0) > 0
    assert buckets.take("b", bucket, 0) == 0


def test_an_open_breaker_asks_for_one_probe_at_a_time() -> None:
    breaker = Breaker()
    assert not breaker.should_probe(0)
    breaker.open(0)
    assert not breaker.should_probe(PROBE_SECONDS - 0.01)
    assert breaker.should_probe(PROBE_SECONDS)
    assert not breaker.should_probe(PROBE_SECONDS)
    breaker.open(PROBE_SECONDS)
    assert not breaker.should_probe(PROBE_SECONDS + 0.5)
    breaker.close()
    assert not breaker.is_open


def test_what_is_dear_passes_with_a_third_of_the_burst_and_owes_the_rest() -> None:
    bucket, own = Bucket(rate=10, burst=30), LocalBucket(Bucket(rate=10, burst=30), 0.0)
    assert own.take(bucket, 0.0, cost=100) == 0
    assert own.take(bucket, 0.0) == pytest.approx(7.1)
    assert own.take(bucket, 7.1) == 0
    assert own.take(bucket, 7.1, cost=100) == pytest.approx(1.0)
