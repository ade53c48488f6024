import argparse
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.commands import plan as command
from services.plan.costs import MEASURED, Cost
from services.plan.demand import Habits, demand
from services.plan.fleet import Limits, fleet
from shared.settings import Settings

LIMITS = Limits()
PEOPLE = st.integers(min_value=1, max_value=50_000_000)


def test_the_work_follows_from_the_habits() -> None:
    habits = Habits(messages_per_day=86.4, recipients=3, online=0.5, connected=0.2, peak=2, return_seconds=10)
    work = demand(1000, habits)
    assert work.sends == pytest.approx(2)
    assert work.deliveries == pytest.approx(2 * 3 * 0.5 + 2), "who is online, and the sender's own socket"
    assert work.receipts == pytest.approx(2 * 3), "delivered and read, of each who is online"
    assert work.pushes == pytest.approx(2 * 3 * 0.5)
    assert (work.connections, work.returning) == (200, 20)


@given(PEOPLE)
def test_no_core_is_busier_than_allowed(users: int) -> None:
    work = demand(users, Habits())
    needed = fleet(work, MEASURED, LIMITS)
    sending = work.sends * MEASURED.send.persistence / 1e6
    delivering = work.deliveries * MEASURED.deliver.gateway / 1e6
    assert sending / needed.persistences <= LIMITS.utilisation
    assert delivering / (needed.gateways - LIMITS.spare_gateways) <= LIMITS.utilisation
    assert work.sends * MEASURED.send.postgres / 1e6 / needed.postgres_cores <= LIMITS.utilisation


@given(PEOPLE)
def test_one_of_each_may_die(users: int) -> None:
    work = demand(users, Habits())
    needed = fleet(work, MEASURED, LIMITS)
    assert min(needed.gateways, needed.persistences, needed.pushers) >= 2
    assert work.connections / (needed.gateways - 1) <= LIMITS.gateway_connections


@given(PEOPLE, st.floats(min_value=0.1, max_value=5))
def test_everyone_can_come_back_in_time(users: int, accept_ms: float) -> None:
    costs = replace(MEASURED, accept=Cost(gateway=accept_ms * 1000, persistence=accept_ms * 500))
    work = demand(users, Habits())
    needed = fleet(work, costs, LIMITS)
    assert work.returning * accept_ms / 1000 <= needed.gateways
    assert work.returning * accept_ms / 2000 <= needed.persistences


@given(PEOPLE)
def test_twice_the_people_never_need_less(users: int) -> None:
    one = fleet(demand(users, Habits()), MEASURED, LIMITS)
    two = fleet(demand(2 * users, Habits()), MEASURED, LIMITS)
    for part in ("gateways", "persistences", "pushers", "redis_shards", "postgres_cores", "postgres_gib"):
        assert getattr(two, part) >= getattr(one, part)


def test_what_expo_does_not_take_is_said() -> None:
    assert not fleet(demand(10_000, Habits()), MEASURED, LIMITS).needs_expo_agreement
    assert fleet(demand(10_000_000, Habits()), MEASURED, LIMITS).needs_expo_agreement


async def test_every_assumption_is_printed_and_can_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    assert await command.run(Settings(), parser.parse_args(["--users", "1000000", "--messages-per-day", "17"])) == 0
    printed = capsys.readouterr().out
    assert "1,000,000 users, 250,000 of them connected" in printed
    assert "17  messages that one user sends a day" in printed
    assert printed.count("\n  ") >= len(fields(Habits)) + len(fields(Limits))
