"""Which drafts go together, and in which order."""

import asyncio
from collections.abc import Iterable

from persistence.messages.views import Draft
from persistence.messages.waiting import MOST_CONVERSATIONS, MOST_MESSAGES, Waiting, WaitingSends


def waiting(room: str, text: str = "", client_id: str | None = None, sender: str = "ann") -> Waiting:
    return Waiting(room, Draft(text, sender, text, client_id=client_id), asyncio.get_running_loop().create_future())


def filled(drafts: Iterable[Waiting]) -> WaitingSends:
    sends = WaitingSends()
    for one in drafts:
        sends.add(one)
    return sends


def rooms(batch: list[Waiting]) -> list[str]:
    return list({one.conversation_id: None for one in batch})


async def test_a_taker_gets_its_share_of_the_conversations_that_are_ready() -> None:
    sends = filled(waiting(f"room{n}") for n in range(8))
    shares = [sends.batch(await sends.ready(), takers) for takers in (3, 2, 1)]
    assert [len(rooms(share)) for share in shares] == [3, 3, 2]
    assert [room for share in shares for room in rooms(share)] == [f"room{n}" for n in range(8)]


async def test_a_lone_draft_goes_alone() -> None:
    sends = filled([waiting("room")])
    assert len(sends.batch(await sends.ready(), 1)) == 1
    assert sends.count == 0


async def test_one_statement_locks_a_bounded_number_of_conversations_and_holds_a_bounded_number_of_messages() -> None:
    many = filled(waiting(f"room{n}") for n in range(50))
    assert len(rooms(many.batch(await many.ready(), 1))) == MOST_CONVERSATIONS
    hot = filled(waiting(f"room{n % 2}") for n in range(300))
    assert len(hot.batch(await hot.ready(), 1)) == MOST_MESSAGES


async def test_nobody_else_sends_into_a_conversation_until_its_batch_is_done() -> None:
    sends = filled([waiting("room", "1")])
    first = sends.batch(await sends.ready(), 1)
    sends.add(waiting("room", "2"))
    sends.add(waiting("other", "3"))
    second = sends.batch(await sends.ready(), 1)
    assert rooms(second) == ["other"]
    sends.done(first)
    sends.done(second)
    assert [one.draft.text for one in sends.batch(await sends.ready(), 1)] == ["2"]


async def test_a_client_id_that_is_in_the_batch_waits_with_all_behind_it_until_the_first_was_judged() -> None:
    drafts = [("1", "a"), ("2", None), ("3", "a"), ("4", "b")]
    sends = filled([*(waiting("room", text, client_id) for text, client_id in drafts), waiting("other", "5", "a")])
    first = sends.batch(await sends.ready(), 1)
    assert [one.draft.text for one in first] == ["1", "2", "5"]
    sends.done(first)
    assert [one.draft.text for one in sends.batch(await sends.ready(), 1)] == ["3", "4"]


async def test_the_same_client_id_of_two_senders_is_no_repeat() -> None:
    sends = filled([waiting("room", "1", "a"), waiting("room", "2", "a", sender="bob")])
    assert len(sends.batch(await sends.ready(), 1)) == 2


async def test_what_was_drained_is_in_no_batch_and_leaves_nothing_behind() -> None:
    sends = filled(waiting(f"room{n}") for n in range(3))
    flying = sends.batch(await sends.ready(), 3)
    sends.add(waiting("room0"))
    assert len(sends.drain()) == 3
    assert (sends.count, sends.batch(await sends.ready(), 1)) == (0, [])
    sends.done(flying)
    sends.add(waiting("room0", "later"))
    assert [one.draft.text for one in sends.batch(await sends.ready(), 1)] == ["later"]
