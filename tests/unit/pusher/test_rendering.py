"""What a phone shows."""

import json
from dataclasses import replace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pusher.planning import Push
from pusher.rendering import MAX_PAYLOAD_BYTES, render, render_badge
from shared import texts
from shared.push_api import Device, Target
from shared.push_upkeep_api import Badge
from tests.unit.pusher.targets import PHONE, WANTED, target
from tests.unit.shared.test_texts import CLUSTERS

CONVERSATION = WANTED.conversation_id


def push(shown: Target = WANTED, device: Device = PHONE) -> Push:
    return Push((shown,), device, shown.ordinal)


def burst(shown: Target = WANTED, *, several_senders: bool = False) -> Push:
    """Of four messages, the newest `shown`; the first was told before."""
    return Push((shown,), PHONE, since=shown.ordinal - 3, several_senders=several_senders)


UNSEEN = {"seen_ordinal": 3}


def test_a_push_has_the_senders_handle_the_text_and_where_it_belongs() -> None:
    notification = render(push())

    assert notification.token == PHONE.token
    assert notification.payload == {
        "title": "ada",
        "body": "Hello",
        "data": {"conversationId": CONVERSATION, "messageId": WANTED.message_id, "seq": 7},
        "sound": "default",
        "channelId": "messages",
        "priority": "high",
        "ttl": 86400,
        "badge": 3,
        "tag": CONVERSATION,
    }


def test_a_long_text_is_cut_to_120_characters_an_ellipsis_among_them() -> None:
    assert render(push(target(text="é" * 121))).payload["body"] == "é" * 119 + "…"
    assert render(push(target(text="é" * 120))).payload["body"] == "é" * 120


@pytest.mark.parametrize("is_group", [True, False])
def test_an_opaque_text_and_a_file_alone_are_told_in_words(*, is_group: bool) -> None:
    group = {"is_group": is_group, "group_name": "Climbing"}
    opaque, file = target(text="", opaque=True, **group), target(text="", **group)
    sender = "ada: " if is_group else ""

    assert render(push(opaque)).payload["body"] == f"{sender}Encrypted message"
    assert render(push(file)).payload["body"] == f"{sender}Sent an attachment"


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
@pytest.mark.parametrize("is_group", [True, False])
def test_neither_title_nor_body_ends_inside_one_character_that_a_person_sees(cluster: str, *, is_group: bool) -> None:
    shown = target(text=cluster * 200, sender_handle="ada", is_group=is_group, group_name=cluster * 30)

    payload = render(push(shown)).payload

    title, body = (payload[name].removesuffix("…").removeprefix("ada: ") for name in ("title", "body"))
    assert payload["body"].endswith("…")
    assert body == cluster * (len(body) // len(cluster)) != ""
    assert title in ("ada", texts.line(cluster * 30)[: len(title)])
    assert len(regex.findall(r"\X", title + "x")) == len(regex.findall(r"\X", title)) + 1


def test_a_title_is_one_line_that_turns_no_other_words_round() -> None:
    shown = target(is_group=True, group_name="Bank \u202eecivres\n\x1b[31m", sender_handle="a\u2066da")

    payload = render(push(shown)).payload

    assert (payload["title"], payload["body"]) == ("Bank ecivres [31m", "ada: Hello")


@pytest.mark.parametrize(
    ("preview", "title", "body"),
    [
        ("full", "ada", "Hello"),
        ("sender", "ada", "sent you a message"),
        ("none", "New message", "You have a new message"),
    ],
)
def test_the_users_wish_decides_what_a_locked_screen_shows(preview: str, title: str, body: str) -> None:
    payload = render(push(target(preview=preview)), default_preview="full").payload

    assert (payload["title"], payload["body"]) == (title, body)


def test_the_deployments_default_counts_where_the_user_said_nothing() -> None:
    assert render(push(), default_preview="none").payload["title"] == "New message"


def test_a_groups_push_is_titled_with_its_name() -> None:
    payload = render(push(target(is_group=True, group_name="Climbing"))).payload

    assert (payload["title"], payload["body"]) == ("Climbing", "ada: Hello")


@pytest.mark.parametrize(
    ("platform", "key", "absent"),
    [("ios", "collapseId", "tag"), ("android", "tag", "collapseId"), (None, "tag", "collapseId")],
)
def test_a_later_push_of_a_conversation_replaces_the_one_before(platform: str | None, key: str, absent: str) -> None:
    """Without a collapseId on Android, where FCM throttles those; iOS ignores a tag."""
    device = replace_platform(platform)

    first, digest = render(push(device=device)).payload, render(replace(burst(target(**UNSEEN)), device=device)).payload

    assert first[key] == digest[key] == CONVERSATION
    assert absent not in first
    assert len(CONVERSATION.encode()) <= 64, "Apple's limit for apns-collapse-id"


def replace_platform(platform: str | None) -> Device:
    return Device(id=PHONE.id, token=PHONE.token, registered_at_us=1, platform=platform)


@pytest.mark.parametrize(
    ("shown", "several", "title", "body"),
    [
        ({}, False, "ada", "4 new messages"),
        ({"preview": "none"}, False, "New messages", "You have 4 new messages"),
        ({"is_group": True, "group_name": "Climbing"}, False, "Climbing", "ada: 4 new messages"),
        ({"is_group": True, "group_name": "Climbing"}, True, "Climbing", "4 new messages"),
    ],
)
def test_a_burst_says_who_and_how_many_it_stands_for(
    shown: dict[str, object], several: bool, title: str, body: str
) -> None:
    """The first of them too, which it replaces."""
    payload = render(burst(target(**UNSEEN, **shown), several_senders=several)).payload

    assert (payload["title"], payload["body"]) == (title, body)
    assert payload["data"] == {"conversationId": CONVERSATION, "messageId": WANTED.message_id, "seq": 7}


def test_a_burst_counts_no_message_that_was_read_meanwhile() -> None:
    assert render(burst(target(seen_ordinal=5))).payload["body"] == "2 new messages"
    assert render(burst(target(seen_ordinal=6))).payload["body"] == "Hello", "one message is shown, not counted"


def test_a_silent_update_shows_nothing_and_hurries_nobody() -> None:
    [one] = render_badge(Badge(user_id=WANTED.user_id, unread=2, tokens=[PHONE.token]))

    assert one.payload == {"badge": 2, "priority": "normal", "ttl": 3600, "_contentAvailable": True}


def test_the_longest_words_of_the_widest_characters_still_fit() -> None:
    shown = target(text="\U0001f600" * 8000, is_group=True, group_name="\U0001f600" * 200, sender_handle="a")

    payload = render(push(shown)).payload

    assert len(json.dumps(payload)) <= MAX_PAYLOAD_BYTES
    assert payload["title"] == "\U0001f600" * 99 + "…"


LONGEST_TOKEN = "ExponentPushToken[" + "x" * 201 + "]"
EXPOS_LIMIT = 4096


@given(
    text=st.text(min_size=1, max_size=120),
    handle=st.text(min_size=1, max_size=300),
    group=st.text(min_size=1, max_size=300),
    preview=st.sampled_from(["full", "sender", "none"]),
    is_group=st.booleans(),
)
def test_no_words_make_a_payload_that_expo_refuses(
    text: str, handle: str, group: str, preview: str, *, is_group: bool
) -> None:
    shown = target(text=text, sender_handle=handle, is_group=is_group, group_name=group, preview=preview)

    for one in (push(shown), burst(shown)):
        payload = render(one).payload
        assert len(json.dumps(payload)) <= MAX_PAYLOAD_BYTES, "as the SDK writes it"
        assert len(json.dumps({"to": LONGEST_TOKEN, **payload})) <= EXPOS_LIMIT
        assert len(payload["body"]) <= 120
        assert payload["title"]


@pytest.mark.parametrize(
    "wide", ["\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f466", "é", "\x01", '"', "\u2028"]
)
def test_the_widest_handles_and_group_names_fit_whole_into_their_hundred_characters(wide: str) -> None:
    for is_group in (True, False):
        shown = target(text=wide * 500, sender_handle=wide * 300, is_group=is_group, group_name=wide * 300)

        payload = render(push(shown)).payload

        assert len(json.dumps({"to": LONGEST_TOKEN, **payload})) <= EXPOS_LIMIT
        assert payload["title"] == (texts.shortened(texts.line(wide * 300), 100) or "New message")


def test_a_text_of_the_store_is_not_cut_again() -> None:
    assert render(push(target(text="x" * 120))).payload["body"] == "x" * 120
