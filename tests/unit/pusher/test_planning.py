"""From facts to notifications: which device is told which messages, and of how many."""

from pusher.planning import Push, decide_all, key_of, refreshed, single, together
from pusher.policy import Now, Reason
from shared.push_api import Addressee, Device, Target
from tests.unit.pusher.targets import NOW_MS, PHONE, WANTED, target

NOW = Now(NOW_MS)
TABLET = Device(id="d0000000-0000-4000-8000-000000000002", token="ExponentPushToken[b]", registered_at_us=1)


def numbered(ordinal: int, **changes: object) -> Target:
    message_id = f"e0000000-0000-4000-8000-{ordinal:012d}"
    return target(
        ordinal=ordinal, seq=ordinal, message_id=message_id, seen_ordinal=0, read_seq=0, attended_seq=0, **changes
    )


def test_a_message_is_one_push_for_each_device() -> None:
    pushes = single(target(devices=[PHONE, TABLET]))

    assert [(push.device, push.messages) for push in pushes] == [
        (PHONE, pushes[0].messages),
        (TABLET, pushes[0].messages),
    ]
    assert [push.count for push in pushes] == [1, 1]


def test_a_burst_is_one_push_for_each_device_with_what_that_device_was_not_told() -> None:
    told_on_the_phone = numbered(1, devices=[TABLET])
    pushes = {
        push.device.id: push
        for push in together(
            [numbered(3, devices=[PHONE, TABLET]), told_on_the_phone, numbered(2, devices=[PHONE, TABLET])],
            since=1,
            several_senders=False,
        )
    }

    assert [message.ordinal for message in pushes[PHONE.id].messages] == [2, 3]
    assert [message.ordinal for message in pushes[TABLET.id].messages] == [1, 2, 3]
    assert [push.count for push in pushes.values()] == [3, 3]


def test_a_late_first_message_counts_with_the_newer_one_that_was_told() -> None:
    """It came again after its worker died, when the conversation's next message had opened a window of its own."""
    [push] = together([numbered(1)], since=2, several_senders=False)

    assert push.count == 2


def test_facts_that_name_a_message_twice_make_one_push() -> None:
    decided = decide_all([], [WANTED, WANTED], NOW)

    assert list(decided.wanted.values()) == [WANTED]


def test_a_user_whose_devices_were_all_told_or_who_has_none_is_no_new_decision() -> None:
    told, without = target(devices=[], told_devices=1), target(user_id="u", devices=[])
    decided = decide_all([], [told, without, target(user_id="v", devices=[], revoked_devices=1)], NOW)

    assert decided.wanted == {}
    assert [decision.reason for decision in decided.decisions] == ["session revoked"]
    assert decided.reasons == [Reason.TOLD, Reason.NO_DEVICE, Reason.REVOKED]


def test_a_message_of_which_there_are_no_facts_is_told_to_nobody() -> None:
    asked = Addressee(WANTED.conversation_id, WANTED.message_id, [WANTED.user_id, "another"])

    decided = decide_all([asked], [WANTED], NOW)

    assert list(decided.wanted) == [key_of(WANTED)]
    assert decided.reasons == [Reason.GONE, Reason.PUSH]


def test_the_last_look_takes_out_what_is_not_wanted_any_more() -> None:
    old = Push((numbered(1), numbered(2)), PHONE, since=1)
    still = numbered(2)

    push = refreshed(old, {key_of(still): still})

    assert push is not None
    assert push.messages == (still,)
    assert refreshed(old, {}) is None


def test_the_last_look_finds_the_devices_newest_token() -> None:
    renewed = Device(id=PHONE.id, token="ExponentPushToken[new]", registered_at_us=2)
    push = refreshed(Push((WANTED,), PHONE, since=7), {key_of(WANTED): target(devices=[renewed])})

    assert push is not None
    assert push.device == renewed
    assert refreshed(Push((WANTED,), TABLET, since=7), {key_of(WANTED): WANTED}) is None, "its token is gone"
