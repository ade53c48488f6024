"""A target that should be pushed, to be changed in one respect by each test."""

from typing import Any

import msgspec

from shared.push_api import Device, Target

NOW_MS = 1_700_000_000_000  # 2023-11-14T22:13:20Z
PHONE = Device(id="d0000000-0000-4000-8000-000000000001", token="ExponentPushToken[a]", registered_at_us=1)

WANTED = Target(
    conversation_id="c0000000-0000-4000-8000-000000000001",
    message_id="e0000000-0000-4000-8000-000000000001",
    seq=7,
    ordinal=7,
    user_id="b0000000-0000-4000-8000-000000000002",
    sender_id="a0000000-0000-4000-8000-000000000001",
    sender_handle="ada",
    text="Hello",
    created_at_ms=NOW_MS - 5000,
    is_group=False,
    group_name=None,
    left=False,
    hidden_seq=0,
    attended_seq=6,
    read_seq=6,
    seen_ordinal=6,
    muted_until_ms=None,
    messages_enabled=True,
    preview=None,
    quiet_start=None,
    quiet_end=None,
    time_zone=None,
    badge=3,
    devices=[PHONE],
)


def target(**changes: Any) -> Target:
    return msgspec.structs.replace(WANTED, **changes)
