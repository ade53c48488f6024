"""What a webhook may be told of."""

from typing import Final

STARRED: Final = (
    "message.new",
    "message.edited",
    "message.deleted",
    "conversation.created",
    "conversation.changed",
    "member.joined",
    "member.left",
    "user.blocked",
    "user.erased",
    "report.created",
    "moderation.action",
    "moderation.notice",
    "push.failed",
    "job.done",
    "webhook.disabled",
)
"""What `*` stands for."""

NAMED: Final = ("user.online", "user.offline", "message.reaction", "message.pinned")
"""Only for who names them."""

TYPES: Final = (*STARRED, *NAMED)
EVERYTHING: Final = "*"
JOINED: Final = "member.joined"
LEFT: Final = "member.left"
"""Both are told of a `conversation.changed` that names somebody who came in, or is out."""
TEST: Final = "webhook.test"
DISABLED: Final = "webhook.disabled"
CREATED: Final = "conversation.created"
NOTICE: Final = "moderation.notice"
PUSH_FAILED: Final = "push.failed"
ONLINE: Final = "user.online"
OFFLINE: Final = "user.offline"
