from gateway.presence.roster import Held, Roster


def told(roster: Roster) -> list[Held]:
    taken = roster.take(100)
    roster.told(taken)
    return taken


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    roster = Roster(10.0)
    roster.arrive("ann", ["c"])
    assert told(roster) == [Held("ann", 1, ["c"], 0)]
    roster.depart("ann", ["c"], 0.0, 5)
    assert told(roster) == [Held("ann", 0, ["c"], 5)]
    roster.arrive("ann", ["c"])
    roster.expire(10.0)
    assert [held.connections for held in told(roster)] == [1]


def test_after_the_grace_the_user_is_let_go_and_forgotten() -> None:
    roster = Roster(10.0)
    roster.arrive("ann", [])
    roster.depart("ann", ["c"], 0.0, 5)
    told(roster)
    roster.expire(9.9)
    assert told(roster) == []
    roster.expire(10.0)
    assert told(roster) == [Held("ann", None, ["c"], 5)]
    assert not roster.holds("ann")


def test_several_devices_are_counted_and_only_the_last_one_leaving_matters() -> None:
    roster = Roster(0.0)
    roster.arrive("ann", [])
    roster.arrive("ann", [])
    roster.depart("ann", [], 0.0, 5)
    roster.expire(1.0)
    assert [held.connections for held in told(roster)] == [1]


def test_who_left_twice_has_the_grace_of_the_second_time() -> None:
    roster = Roster(10.0)
    roster.arrive("ann", [])
    roster.depart("ann", [], 0.0, 5)
    roster.arrive("ann", [])
    roster.depart("ann", [], 8.0, 6)
    told(roster)
    roster.expire(10.0)
    assert told(roster) == []
    roster.expire(18.0)
    assert told(roster) == [Held("ann", None, [], 6)]


def test_what_redis_could_not_be_told_is_told_later_as_it_is_then() -> None:
    roster = Roster(0.0)
    roster.arrive("ann", [])
    roster.depart("ann", [], 0.0, 5)
    roster.expire(0.0)
    roster.give_back(roster.take(100))
    roster.arrive("ann", [])
    assert [held.connections for held in told(roster)] == [1]
    assert roster.holds("ann")


def test_somebody_who_returns_while_being_let_go_stays() -> None:
    roster = Roster(0.0)
    roster.arrive("ann", [])
    roster.depart("ann", [], 0.0, 5)
    roster.expire(0.0)
    taken = roster.take(100)
    roster.arrive("ann", [])
    roster.told(taken)
    assert [held.connections for held in told(roster)] == [1]


def test_everyone_is_told_again_after_redis_forgot() -> None:
    roster = Roster(10.0)
    for user in ("ann", "ben"):
        roster.arrive(user, [])
    told(roster)
    roster.tell_all_again()
    assert {held.user_id for held in told(roster)} == {"ann", "ben"}
