from gateway.presence.roster import Held, Roster

ANN, BEN = b"parley:u:ann", b"parley:u:ben"


def a_roster(grace_seconds: float) -> Roster:
    """Of users who are in their rooms as soon as they arrive."""
    return Roster(grace_seconds, lambda _: ["known"])


def a_roster_of_newcomers() -> Roster:
    return Roster(10.0, lambda _: [])


def told(roster: Roster) -> list[Held]:
    taken = roster.take(100)
    roster.told(taken)
    return [held for _, held in taken]


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    roster = a_roster(10.0)
    roster.arrive(ANN, ["c"])
    assert told(roster) == [Held("ann", 1, ["known"], 0)]
    roster.depart(ANN, 0.0, 5)
    assert told(roster) == [Held("ann", 0, ["known"], 5)]
    roster.arrive(ANN, ["c"])
    roster.expire(10.0)
    assert [held.connections for held in told(roster)] == [1]


def test_after_the_grace_the_user_is_let_go_and_forgotten() -> None:
    roster = a_roster(10.0)
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    told(roster)
    roster.expire(9.9)
    assert told(roster) == []
    roster.expire(10.0)
    assert told(roster) == [Held("ann", None, ["known"], 5)]
    assert not roster.left_lately(ANN)


def test_several_devices_are_counted_and_only_the_last_one_leaving_matters() -> None:
    roster = a_roster(0.0)
    roster.arrive(ANN, [])
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    roster.expire(1.0)
    assert [held.connections for held in told(roster)] == [1]


def test_who_left_twice_has_the_grace_of_the_second_time() -> None:
    roster = a_roster(10.0)
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    roster.arrive(ANN, [])
    roster.depart(ANN, 8.0, 6)
    told(roster)
    roster.expire(10.0)
    assert told(roster) == []
    roster.expire(18.0)
    assert told(roster) == [Held("ann", None, ["known"], 6)]


def test_what_redis_could_not_be_told_is_told_later_as_it_is_then() -> None:
    roster = a_roster(0.0)
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    roster.expire(0.0)
    roster.give_back(roster.take(100))
    roster.arrive(ANN, [])
    assert [held.connections for held in told(roster)] == [1]
    assert not roster.left_lately(ANN)


def test_somebody_who_returns_while_being_let_go_stays() -> None:
    roster = a_roster(0.0)
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    roster.expire(0.0)
    taken = roster.take(100)
    roster.arrive(ANN, [])
    roster.told(taken)
    assert [held.connections for held in told(roster)] == [1]


def test_the_rooms_of_somebody_who_returns_while_being_let_go_are_told() -> None:
    """Else their return is news to nobody, and whoever heard that they left believes it for good."""
    roster = a_roster_of_newcomers()
    roster.arrive(ANN, ["c"])
    roster.depart(ANN, 0.0, 5)
    told(roster)
    roster.expire(10.0)
    taken = roster.take(1)
    roster.arrive(ANN, ["c"])
    roster.told(taken)
    assert told(roster) == [Held("ann", 1, ["c"], 0)]


def test_redis_that_forgets_somebody_on_their_way_into_their_rooms_is_told_these_again() -> None:
    """Between the word that they came and the heads of their rooms: else their return is news to nobody."""
    roster = a_roster_of_newcomers()
    roster.arrive(ANN, ["c"])
    told(roster)
    roster.tell_all_again()
    assert told(roster) == [Held("ann", 1, ["c"], 0)]


def test_the_rooms_that_heard_of_an_arrival_hear_that_it_came_to_nothing() -> None:
    roster = a_roster_of_newcomers()
    roster.arrive(ANN, ["c"])
    told(roster)
    roster.depart(ANN, 0.0, 5)
    roster.expire(10.0)
    assert told(roster) == [Held("ann", None, ["c"], 5)]


def test_who_has_entered_is_told_of_in_the_rooms_of_now() -> None:
    rooms = ["c"]
    roster = Roster(10.0, lambda _: rooms)
    roster.arrive(ANN, ["c"])
    roster.entered(ANN)
    rooms.clear()
    assert told(roster) == [Held("ann", 1, [], 0)]


def test_everyone_is_told_again_after_redis_forgot() -> None:
    roster = a_roster(10.0)
    for user in (ANN, BEN):
        roster.arrive(user, [])
    told(roster)
    roster.tell_all_again()
    assert {(held.user_id, held.rooms[0]) for held in told(roster)} == {("ann", "known"), ("ben", "known")}


def test_who_is_said_to_be_offline_is_told_of_with_emphasis_until_it_is_told() -> None:
    roster = a_roster(10.0)
    roster.arrive(ANN, [])
    told(roster)
    assert roster.tell_again(ANN)
    roster.give_back(roster.take(100))
    assert told(roster) == [Held("ann", 1, ["known"], 0, is_doubted=True)]
    roster.tell_all_again()
    assert told(roster) == [Held("ann", 1, ["known"], 0)]


def test_somebody_who_was_let_go_while_all_were_to_be_told_again_is_forgotten() -> None:
    roster = a_roster(0.0)
    roster.arrive(ANN, [])
    roster.depart(ANN, 0.0, 5)
    roster.expire(0.0)
    taken = roster.take(100)
    roster.tell_all_again()
    roster.told(taken)
    assert told(roster) == []
