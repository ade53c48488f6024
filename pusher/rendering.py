"""A message, or a burst of them, as the notification that a phone shows. Pure.

Expo refuses more than 4,096 bytes after its own wrapping (docs.expo.dev, "Message request format"), so we measure.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from pusher.planning import Push
from shared import texts
from shared.push_api import TEXT_CHARACTERS, Target
from shared.push_upkeep_api import Arrival, Badge, Withdrawal

TITLE_CHARACTERS = 100
MAX_PAYLOAD_BYTES = 3500
"""Below Expo's 4,096: what it wraps around is not ours to measure."""
TTL_SECONDS = 24 * 3600
"""Explicit, because Expo's default has changed over time; as long as the policy calls a message fresh."""
BADGE_TTL_SECONDS = 3600
NAMELESS = "New message"
ATTACHMENT = "Sent an attachment"
NEW_GROUP = "New group"
ADDED = "You were added to a group"


@dataclass(frozen=True)
class Notification:
    """What one device of a user is told. `payload` is Expo's message object without `to`."""

    token: str = field(repr=False)
    payload: dict[str, Any] = field(repr=False)
    user_id: str = ""


def render(push: Push, *, default_preview: str = "full") -> Notification:
    """The notification of a push, under the size limit.

    One key per conversation: a later notification replaces the one before on the screen, and what was told twice shows
    once. `collapseId` on iOS, `tag` on Android, where FCM would throttle a `collapseId` to 20 a burst.
    """
    target = push.newest
    preview = target.preview or default_preview
    words = _words(target, preview) if push.count == 1 else _digest(push, preview)
    payload: dict[str, Any] = {
        **words,
        "data": {"conversationId": target.conversation_id, "messageId": target.message_id, "seq": target.seq},
        "sound": "default",
        "channelId": "messages",
        "priority": "high",
        "ttl": TTL_SECONDS,
        "badge": target.badge,
        **_collapse_key(target.conversation_id, push.device.platform),
    }
    return Notification(push.device.token, _within_limit(payload), target.user_id)


def render_arrival(arrival: Arrival, *, default_preview: str = "full") -> list[Notification]:
    """For each of their phones: which group somebody was added to, and by whom. A first message replaces it."""
    name, by = texts.line(arrival.group_name or ""), texts.line(arrival.added_by or "")
    shown = (arrival.preview or default_preview) != "none"
    words = _cut(name or NEW_GROUP, f"{by} added you" if by else ADDED) if shown else _cut(NEW_GROUP, ADDED)
    payload: dict[str, Any] = {
        **words,
        "data": {"conversationId": arrival.conversation_id, "type": "conversation.new"},
        "sound": "default",
        "channelId": "messages",
        "priority": "high",
        "ttl": TTL_SECONDS,
        "badge": arrival.badge,
    }
    return [
        Notification(phone.token, payload | _collapse_key(arrival.conversation_id, phone.platform), arrival.user_id)
        for phone in arrival.phones
    ]


def render_badge(badge: Badge) -> list[Notification]:
    """The silent notification that sets the number on the icon: normal priority, as Apple demands of silent ones."""
    payload: dict[str, Any] = {
        "badge": badge.unread,
        "priority": "normal",
        "ttl": BADGE_TTL_SECONDS,
        "_contentAvailable": True,
    }
    return [Notification(token, payload, badge.user_id) for token in badge.tokens]


def render_withdrawal(withdrawal: Withdrawal) -> Notification:
    """The silent notification that has the app remove what it shows of a deleted message."""
    payload: dict[str, Any] = {
        "data": {
            "type": "message.deleted",
            "conversationId": withdrawal.conversation_id,
            "messageId": withdrawal.message_id,
        },
        "priority": "normal",
        "ttl": TTL_SECONDS,
        "_contentAvailable": True,
        **_collapse_key(withdrawal.conversation_id, withdrawal.platform),
    }
    return Notification(withdrawal.token, payload, withdrawal.user_id)


def _words(target: Target, preview: str) -> dict[str, str]:
    """full: who and what; sender: who; none: that there is something. A group's pushes are titled with its name."""
    if preview == "none":
        return {"title": NAMELESS, "body": "You have a new message"}
    handle, group = _handle(target), _group(target)
    if group:
        said = f"{handle}: {_said(target)}" if preview == "full" else f"{handle} sent a message"
    else:
        said = _said(target) if preview == "full" else "sent you a message"
    return _cut(group or handle, said)


def _digest(push: Push, preview: str) -> dict[str, str]:
    """A burst: who, if it was one, and how many. It shows no text, so `full` and `sender` look alike."""
    target, counted = push.newest, f"{push.count} new messages"
    if preview == "none":
        return {"title": "New messages", "body": f"You have {counted}"}
    handle, group = _handle(target), _group(target)
    if group:
        return _cut(group, counted if push.several_senders else f"{handle}: {counted}")
    return _cut(counted if push.several_senders else handle, counted)


def _said(target: Target) -> str:
    if target.opaque:
        return texts.ENCRYPTED
    return target.text or ATTACHMENT


def _handle(target: Target) -> str:
    return texts.line(target.sender_handle or "") or NAMELESS


def _group(target: Target) -> str:
    """Cleaned here too: a group may have been named before names were."""
    return texts.line(target.group_name or "") if target.is_group else ""


def _cut(title: str, body: str) -> dict[str, str]:
    return {"title": texts.shortened(title, TITLE_CHARACTERS), "body": texts.shortened(body, TEXT_CHARACTERS)}


def _collapse_key(conversation_id: str, platform: str | None) -> dict[str, str]:
    """A device of unknown platform gets Android's: iOS ignores a `tag`, where a `collapseId` would harm on Android."""
    return {"collapseId" if platform == "ios" else "tag": conversation_id}


def _within_limit(payload: dict[str, Any]) -> dict[str, Any]:
    """Measured as Expo's SDK writes it, everything beyond ASCII escaped: there 120 emoji take 1,440 bytes.

    Only a title that long beside them does not fit; then both give way by halves.
    """
    while len(json.dumps(payload)) > MAX_PAYLOAD_BYTES:
        payload = {
            **payload,
            "title": texts.shortened(payload["title"], len(payload["title"]) // 2 or 1),
            "body": texts.shortened(payload["body"], len(payload["body"]) // 2 or 1),
        }
    return payload
