from gateway.state.room import Room
from gateway.state.user import User
from gateway.typing.typing import SILENT_SECONDS, Typists
from shared.auth.profile import Profile

ANN, BEN = b"parley:u:ann", b"parley:u:ben"
START = b'{"type": "typing.start"}'


def a_room() -> Room:
    return Room(b"parley:r:one", 2)


def test_a_typist_falls_silent_by_itself() -> None:
    typists, room = Typists(), a_room()
    typists.start(room, ANN, START, 0.0)
    assert typists.expire(SILENT_SECONDS - 0.1) == []
    assert typists.expire(SILENT_SECONDS) == [(room, ANN, START)]
    assert room.typists is None


def test_a_repeated_start_lasts_from_its_own_moment() -> None:
    typists, room = Typists(), a_room()
    typists.start(room, ANN, START, 0.0)
    typists.start(room, ANN, START, 3.0)
    assert typists.expire(SILENT_SECONDS) == []
    assert typists.expire(3.0 + SILENT_SECONDS) == [(room, ANN, START)]


def test_a_stop_ends_it_once() -> None:
    typists, room = Typists(), a_room()
    typists.start(room, ANN, START, 0.0)
    typists.start(room, BEN, START, 0.0)
    assert typists.stop(room, ANN)
    assert not typists.stop(room, ANN)
    assert typists.expire(SILENT_SECONDS) == [(room, BEN, START)]
    assert typists.next_end is None


def test_a_user_is_called_what_postgres_says_and_else_what_the_token_says() -> None:
    user = User(ANN, Profile("ann"))
    user.rename("anna")
    assert user.handle == "anna"
    user.rename(None)
    assert user.handle == "ann"
