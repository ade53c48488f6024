"""Sends what was scheduled when its time comes: each message once, by any number of workers, whichever of them dies."""

import asyncio

import asyncpg
import structlog
from prometheus_client import Counter

from persistence.database.pool import DATABASE_FAILURES, Pool
from persistence.log.delivery import Delivery
from persistence.messages.answers import refusal
from persistence.messages.drafting import draft_of
from persistence.messages.queue import Overloaded
from persistence.messages.sender import Sender, Told
from persistence.messages.views import Draft, Repeated, Sent
from persistence.rules import Rules
from persistence.scheduled import due
from persistence.scheduled.due import Claimed
from persistence.scheduled.views import State
from persistence.screening.answers import passed_of
from persistence.screening.held import HeldMessage
from persistence.screening.screening import Screening
from shared import account_frames
from shared.checkpoints import SCHEDULE_CLAIMED, SCHEDULE_SENT, Checkpoints
from shared.http.errors import ApiError

log = structlog.get_logger()

SCHEDULED = Counter("parley_persistence_scheduled_total", "Scheduled messages whose time came.", ["outcome"])

BATCH = 50
"""Sent at once."""
MOST_BATCHES = 20
"""In a turn; the next one goes on."""
LEASE_SECONDS = 15.0
"""Three times as long as a statement may take. A second worker that comes too early does no harm: both send by one
client id."""
BANNED = "banned"
UNREADABLE = "malformed"
HELD = "held"
_FOR_NOW = (429, 503)


class Worker:
    """`turn` is to be called every second or so, by any number of processes."""

    def __init__(
        self,
        pool: Pool,
        sender: Sender,
        delivery: Delivery,
        rules: Rules,
        checkpoints: Checkpoints,
        screening: Screening | None = None,
    ) -> None:
        self._pool = pool
        self._screening = screening
        self._sender = sender
        self._delivery = delivery
        self._rules = rules
        self._checkpoints = checkpoints

    async def turn(self) -> None:
        """Raises DATABASE_FAILURES where none could be claimed. Each that cannot be sent now is tried again."""
        for _ in range(MOST_BATCHES):
            claimed = await due.claim(self._pool, BATCH, LEASE_SECONDS)
            if claimed:
                await self._checkpoints.reach(SCHEDULE_CLAIMED)
                async with asyncio.TaskGroup() as group:
                    for one in claimed:
                        group.create_task(self._deal_with(one), name="scheduled")
            if len(claimed) < BATCH:
                return

    async def _deal_with(self, one: Claimed) -> None:
        try:
            refused = await self._send(one)
            await self._checkpoints.reach(SCHEDULE_SENT)
            await self._note(one, refused)
        except (Overloaded, *DATABASE_FAILURES) as error:
            # It may have been sent: at the end of the lease it is tried again, with the same client id.
            log.warning("a scheduled message has to wait", error=f"{type(error).__name__}: {error}")
            SCHEDULED.labels("again").inc()
        except asyncpg.PostgresError as error:
            log.exception("Postgres does not take a scheduled message", error=f"{type(error).__name__}: {error}")
            self._tell(one, await due.fail(self._pool, one, UNREADABLE), UNREADABLE)

    async def _send(self, one: Claimed) -> ApiError | None:
        """Why not; None where it was sent, now or before."""
        if one.banned:
            return ApiError(403, BANNED, "this user may not come in any more")
        kept, user_id = one.scheduled.kept, one.scheduled.user_id
        try:
            draft = draft_of(kept.message, user_id, self._rules, client_id=one.client_id)
        except ApiError as error:  # the deployment's rules are others than they were
            return error
        try:
            outcome = await self._send_screened(one, draft)
        except ApiError as error:
            return error
        return None if isinstance(outcome, Sent | Repeated) else refusal(outcome)

    async def _send_screened(self, one: Claimed, draft: Draft) -> Told:
        """Asked before as any other is. Raises ApiError where it is not sent for that."""
        kept, conversation_id, review = one.scheduled.kept, one.scheduled.conversation_id, None
        if self._screening is not None:
            decided = await self._screening.before_send(conversation_id, draft, kept.message, kept.base_url)
            if isinstance(decided, HeldMessage):
                raise ApiError(422, HELD, "a moderator decides whether it is sent")
            draft, review = passed_of(decided)
        outcome = await self._sender.send(conversation_id, draft, kept.message.files(), kept.base_url)
        if self._screening is not None and review is not None and isinstance(outcome, Sent):
            await self._screening.after_send(outcome.message, review)
        return outcome

    async def _note(self, one: Claimed, refused: ApiError | None) -> None:
        if refused is None:
            self._tell(one, State.SENT if await due.settle(self._pool, one) else None)
        elif refused.status in _FOR_NOW:
            await due.put_off(self._pool, one, refused.retry_after or LEASE_SECONDS)
            SCHEDULED.labels("later").inc()
        else:
            self._tell(one, await due.fail(self._pool, one, refused.body.code), refused.body.code)

    def _tell(self, one: Claimed, state: State | None, failure: str | None = None) -> None:
        """The author's devices, if this worker was the one that noted it."""
        if state is None:
            return
        SCHEDULED.labels(state.value).inc()
        frame = account_frames.scheduled_changed(
            scheduled_id=one.scheduled.id,
            conversation_id=one.scheduled.conversation_id,
            state=state,
            failure=failure if state is State.FAILED else None,
        )
        self._delivery.to_user(one.scheduled.user_id, frame)
