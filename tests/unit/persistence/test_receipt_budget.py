"""What receipts may cost: nothing is held back from a few people, and a crowd gets a bounded number a second."""

from hypothesis import given
from hypothesis import strategies as st

from persistence.delivery.receipt_budget import ReceiptBudget
from persistence.store.views import Moved, Pointer
from shared.api import LIVE_PRESENCE_MEMBERS


def moved(room: str, members: int, seq: int) -> Moved:
    return Moved(room, f"user{seq}", members, Pointer(seq, "m"), None)


def test_a_small_conversation_sees_every_receipt() -> None:
    many = [moved("small", LIVE_PRESENCE_MEMBERS, seq) for seq in range(500)]
    assert ReceiptBudget(5).choose(many, 0.0) == many


def test_a_big_group_sees_those_who_came_furthest() -> None:
    many = [moved("big", LIVE_PRESENCE_MEMBERS + 1, seq) for seq in range(500)]
    chosen = ReceiptBudget(3).choose(many, 0.0)
    assert [one.delivered.seq for one in chosen if one.delivered] == [499, 498, 497]


def test_each_second_and_each_group_has_a_budget_of_its_own() -> None:
    budget = ReceiptBudget(2)
    rooms = [moved(room, 1000, seq) for room in ("a", "b") for seq in range(5)]
    assert len(budget.choose(rooms, 7.2)) == 4
    assert budget.choose(rooms, 7.9) == []
    assert len(budget.choose(rooms, 8.0)) == 4


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 40)), max_size=30))
def test_a_group_never_sees_more_than_its_budget_in_a_second(batches: list[tuple[float, int]]) -> None:
    budget, seen = ReceiptBudget(10), dict[int, int]()
    for at, count in sorted(batches):
        chosen = budget.choose([moved("big", 1000, seq) for seq in range(count)], at)
        seen[int(at)] = seen.get(int(at), 0) + len(chosen)
    assert all(count <= 10 for count in seen.values())
