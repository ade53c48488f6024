"""What a moderator approved is sent: by the ordinary way, once, whatever dies in between."""

import msgspec
import structlog

from persistence.database.pool import Pool
from persistence.messages.drafting import draft_of
from persistence.messages.posting import Outcome, Post
from persistence.messages.sender import Sender, Told
from persistence.messages.shapes import NewMessage
from persistence.messages.views import Draft, Repeated, Sent
from persistence.rules import Rules
from persistence.screening import held
from persistence.screening.held import Approved
from shared.http.errors import ApiError

log = structlog.get_logger()

_decode = msgspec.json.Decoder(NewMessage).decode


class _Posted(msgspec.Struct):
    """What only the app's own server says of a message; a user's has no `kind`."""

    kind: str | None = None
    push: bool | None = None


_decode_posted = msgspec.json.Decoder(_Posted).decode
OVERDUE_SECONDS = 5.0


class Releaser:
    """`sweep` is to be called every few seconds: it takes up what a process that died had left."""

    def __init__(self, pool: Pool, sender: Sender, rules: Rules) -> None:
        self._pool = pool
        self._sender = sender
        self._rules = rules

    async def release(self) -> None:
        """All that is approved by now. Raises DATABASE_FAILURES and Overloaded: `sweep` goes on with it."""
        await self._release(0.0)

    async def sweep(self) -> None:
        await self._release(OVERDUE_SECONDS)

    async def _release(self, older_than_seconds: float) -> None:
        for one in await held.due(self._pool, older_than_seconds):
            await self._send(one)
            await held.forget(self._pool, one)

    async def _send(self, one: Approved) -> None:
        """Race: two processes send the same; its client id makes the second a repeat."""
        given = _decode(one.body)
        try:
            draft = draft_of(given, one.sender_id, self._rules, client_id=one.client_id)
        except ApiError as error:
            log.warning("an approved message is not valid any more", error=str(error), held_id=one.id)
            return
        outcome = await self._sent(one, draft, given)
        if not isinstance(outcome, Sent | Repeated):
            log.info("an approved message may not be sent any more", held_id=one.id, why=type(outcome).__name__)

    async def _sent(self, one: Approved, draft: Draft, given: NewMessage) -> Told | Outcome:
        """By the way on which it came."""
        posted = _decode_posted(one.body)
        if posted.kind is None:
            return await self._sender.send(one.conversation_id, draft, given.files(), one.base_url)
        post = Post(draft, by_nobody=posted.kind == "system", silent=posted.push is False)
        return await self._sender.post(one.conversation_id, post)
