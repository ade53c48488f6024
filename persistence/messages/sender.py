"""The way of a draft: by the queue, as nearly all go; or, where files come along, in a transaction of its own."""

from collections.abc import Sequence

from persistence.attachments.views import NoSuchFiles
from persistence.database.pool import Pool
from persistence.messages import forwarding_files, posting, sending_files
from persistence.messages.posting import Post
from persistence.messages.queue import SendQueue
from persistence.messages.sending_files import Attached
from persistence.messages.views import Draft, Outcome, Sent, Slow, SourceHasFiles

Told = Outcome | NoSuchFiles


class Sender:
    """For whoever sends in a user's name: a route, or the clock."""

    def __init__(self, pool: Pool, queue: SendQueue) -> None:
        self._pool = pool
        self._queue = queue

    async def send(self, conversation_id: str, draft: Draft, files: Sequence[str], base_url: str) -> Told:
        """Returns after the commit. `files` are ids; `base_url` is where clients fetch one. Raises Overloaded; or
        DATABASE_FAILURES, after which the same client id is safe."""
        if files:
            attached = Attached(files, base_url)
            return await self._tell(draft, await sending_files.send(self._pool, conversation_id, draft, attached))
        outcome = await self._queue.send(conversation_id, draft)
        source = None if draft.carried is None else draft.carried.forward
        if isinstance(outcome, SourceHasFiles) and source is not None:
            copied = await forwarding_files.send(self._pool, conversation_id, draft, source, base_url)
            return await self._tell(draft, copied)
        return outcome

    async def post(self, conversation_id: str, given: Post) -> posting.Outcome:
        """What the app's own server says. A user's own message goes the way of all, but waits for no slow mode. Raises
        as `send`."""
        if not given.by_nobody and not given.silent:
            sent = await self._queue.send(conversation_id, given.draft)
            if not isinstance(sent, Slow):  # that is the last thing judged: all else allows it
                return sent
        outcome = await posting.post(self._pool, conversation_id, given)
        if isinstance(outcome, Sent):
            await self._queue.committed_apart(outcome.message, given.draft.span)
        return outcome

    async def _tell(self, draft: Draft, outcome: Told) -> Told:
        if isinstance(outcome, Sent):
            await self._queue.committed_apart(outcome.message, draft.span)
        return outcome
