"""What a phone shows."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusher.rendering import MAX_PAYLOAD_BYTES, render
from shared.push_api import Device
from tests.unit.pusher.targets import PHONE, WANTED, target


def test_a_push_has_the_senders_handle_the_text_and_where_it_belongs() -> None:
    notification = render(WANTED, PHONE)

    assert notification.token == PHONE.token
    assert notification.payload == {
        "title": "ada",
        "body": "Hello",
        "data": {"conversationId": WANTED.conversation_id, "messageId": WANTED.message_id, "seq": 7},
        "sound": "default",
        "channelId": "messages",
        "priority": "high",
        "ttl": 86400,
        "badge": 3,
    }


def test_a_long_text_is_cut_to_120_characters() -> None:
    assert render(target(text="é" * 500), PHONE).payload["body"] == "é" * 120


@pytest.mark.parametrize(
    ("preview", "title", "body"),
    [
        ("full", "ada", "Hello"),
        ("sender", "ada", "sent you a message"),
        ("none", "New message", "You have a new message"),
    ],
)
def test_the_users_wish_decides_what_a_locked_screen_shows(preview: str, title: str, body: str) -> None:
    payload = render(target(preview=preview), PHONE, default_preview="full").payload

    assert (payload["title"], payload["body"]) == (title, body)


def test_the_deployments_default_counts_where_the_user_said_nothing() -> None:
    assert render(WANTED, PHONE, default_preview="none").payload["title"] == "New message"


def test_a_groups_push_is_titled_with_its_name() -> None:
    payload = render(target(is_group=True, group_name="Climbing"), PHONE).payload

    assert (payload["title"], payload["body"]) == ("Climbing", "ada: Hello")


@pytest.mark.parametrize(
    ("platform", "key", "absent"), [("ios", "collapseId", "tag"), ("android", "tag", "collapseId")]
)
def test_a_repeated_push_replaces_the_first_without_a_collapse_id_on_android(
    platform: str, key: str, absent: str
) -> None:
    device = Device(id=PHONE.id, token=PHONE.token, registered_at_us=1, platform=platform)

    payload = render(WANTED, device).payload

    assert payload[key] == WANTED.message_id
    assert absent not in payload


@given(text=st.text(min_size=1, max_size=8000), handle=st.text(min_size=1, max_size=300))
def test_no_text_or_handle_makes_a_payload_that_expo_refuses(text: str, handle: str) -> None:
    payload = render(target(text=text, sender_handle=handle, is_group=True, group_name=handle), PHONE).payload

    assert len(orjson.dumps(payload)) <= MAX_PAYLOAD_BYTES
    assert len(payload["body"]) <= 120
