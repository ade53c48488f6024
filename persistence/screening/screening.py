"""Asking before a message is sent or edited, and what follows from the answer."""

from time import monotonic
from typing import NamedTuple

import msgspec

from persistence.database.pool import Pool
from persistence.messages.views import Draft, Message
from persistence.screening import held, store
from persistence.screening.held import FLAGGED, UNCHECKED, HeldMessage, TooManyHeld
from persistence.screening.screen import Screen
from persistence.screening.store import HeldBefore
from persistence.screening.verdicts import Allowed, Held, Rejected, Rewritten, Unavailable, Unchecked, Verdict
from shared.limits.local import LocalBucket
from shared.setting_forms import Bucket

UNCHECKED_ITEMS = Bucket(1, 60)
"""Messages that were sent unchecked and become items of the queue, of one process: a dead hook fills no queue."""

_encode = msgspec.json.Encoder().encode


class Passed(NamedTuple):
    """It is sent, as this draft. `review`: why moderators look at it then; None: they do not."""

    draft: Draft
    review: str | None = None


Decided = Passed | HeldMessage | TooManyHeld | Rejected | Unavailable


class Screening:
    def __init__(self, pool: Pool, screen: Screen) -> None:
        self._pool = pool
        self._screen = screen
        self._unchecked = LocalBucket(UNCHECKED_ITEMS, monotonic())

    async def before_send(
        self, conversation_id: str, draft: Draft, given: msgspec.Struct, base_url: str, *, by_nobody: bool = False
    ) -> Decided:
        """One query decides whether anybody is asked: not for a stranger, and not again for a repeat. `given` is the
        request, which is kept where the message waits."""
        place = conversation_id, draft.sender_id, draft.client_id
        found = await store.read(self._pool, *place, by_nobody=by_nobody)
        if found is None:
            return Passed(draft)
        if isinstance(found, HeldBefore):
            return _as_before(found, draft)
        verdict = await self._screen.judge(found, draft.text, draft.media_url, opaque=draft.opaque)
        if isinstance(verdict, Held):
            body = _encode(given)
            return await held.hold_back(self._pool, conversation_id, draft, body, base_url, verdict.reason)
        return _decided(verdict, draft)

    async def before_edit(self, conversation_id: str, user_id: str, text: str) -> Verdict | None:
        """None: the edit itself answers, with a refusal."""
        found = await store.read(self._pool, conversation_id, user_id, None)
        if not isinstance(found, store.Facts):
            return None
        return await self._screen.judge(found, text, None, opaque=False)

    async def after_send(self, message: Message, review: str) -> None:
        """What was sent flagged or unchecked goes into the queue; of the unchecked not more than UNCHECKED_ITEMS."""
        if review == UNCHECKED and self._unchecked.take(UNCHECKED_ITEMS, monotonic()):
            return
        await held.note_sent(self._pool, message, review)


def _as_before(found: HeldBefore, draft: Draft) -> Decided:
    if found.state == "rejected":
        return Rejected(found.reason or "a moderator rejected this message")
    return HeldMessage(found.id, draft.client_id, found.created_at)


def _decided(verdict: Verdict, draft: Draft) -> Decided:
    match verdict:
        case Allowed(flagged):
            return Passed(draft, FLAGGED if flagged else None)
        case Rewritten(text):
            return Passed(draft._replace(text=text))
        case Unchecked():
            return Passed(draft, UNCHECKED)
        case Rejected() | Unavailable():
            return verdict
    raise AssertionError(f"no decision is known for {type(verdict).__name__}")
