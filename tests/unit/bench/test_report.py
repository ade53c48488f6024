from tests.bench import curves, plan, report
from tests.bench.plan import Job, interleaved
from tests.bench.results import Results
from tests.bench.targets import TARGETS


def measured() -> Results:
    results = Results()
    for cost in (1.0, 2.0, 9.0):
        results.add("hot_room", "parley", {"cpu_us": cost})
        results.add("hot_room", "limit", {"cpu_us": cost * 2})
    for rooms, cost in ((10, 10.0), (100, 11.0), (1000, 12.0), (10_000, 16.0)):
        results.add(f"growth rooms {rooms}", "parley", {"cpu_us": cost})
    return results


def test_repeats_are_told_by_their_median_and_their_ends() -> None:
    assert measured().spread("hot_room", "parley", "cpu_us", "{:.1f}") == "2.0 (1.0 to 9.0)"
    assert measured().ratio("hot_room", "cpu_us", "limit") == 0.5


def test_a_target_is_met_or_missed_by_what_was_measured_and_left_out_otherwise() -> None:
    words = report.report(measured())
    assert "| hot room: CPU per delivery / limit | ≤ 0.6 | 0.5 | met |" in words
    assert "| growth, 10 to 10,000 rooms: dearest / cheapest | ≤ 1.5 | 1.6 | missed |" in words
    assert "idle connection" not in words


def test_every_target_reads_what_a_full_run_measures() -> None:
    results = Results()
    everything = dict.fromkeys(_names(), 1.0)
    for job, _ in plan.full():
        results.add(job.key, job.system, everything)
    assert [target.name for target in TARGETS if target.measure(results) is None] == []


def _names() -> set[str]:
    columns = [column for _, _, columns in report.TABLES for column in columns]
    return {name for _, name, _ in [*columns, *report.GROWTH]} | {"p99_ratio"}


def test_repeats_are_interleaved() -> None:
    one, two = Job("hot_room", "parley"), Job("hot_room", "limit")
    assert interleaved([(one, 2), (two, 1)]) == [one, two, one]


def test_a_job_survives_its_way_to_the_process_that_runs_it() -> None:
    for job, _ in [*plan.full(), *plan.quick()]:
        assert Job.from_json(job.to_json()) == job


def test_growth_is_drawn_from_what_was_measured() -> None:
    drawn = curves.growth(measured())
    assert drawn.startswith("<svg")
    assert drawn.count("<circle") == 4
    assert "16.0" in drawn
