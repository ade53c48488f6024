"""Where pushes go on a developer's machine without Expo: into the log, and to whoever watches the demo page."""

from collections.abc import Callable, Sequence

import structlog

from pusher.outcomes import Outcome, Sent
from pusher.pace import Slot
from pusher.rendering import Notification
from shared.ids import new_id

log = structlog.get_logger()

Watcher = Callable[[Notification], None]


class LocalSender:
    """Calls nobody outside. Every notification is accepted, logged without its token, and shown to `watcher`."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    async def send(self, notifications: Sequence[Notification], slot: Slot) -> list[Outcome]:
        for one in notifications:
            if "title" not in one.payload:
                log.info("badge", badge=one.payload["badge"])
                continue
            log.info("push", title=one.payload["title"], body=one.payload["body"], data=one.payload["data"])
            self._watcher(one)
        return [Sent(new_id()) for _ in notifications]
