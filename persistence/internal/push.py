"""What pushers ask and tell: `/internal/push`."""

from persistence.database.pool import Pool
from persistence.internal.question import question
from persistence.push import arrivals, badges, withdrawals
from persistence.push import ledger as push_ledger
from persistence.push import ledger_receipts as push_receipts
from persistence.push import targets as push_targets
from persistence.webhooks import push_failures
from persistence.webhooks.noting import Hooks
from shared import push_api
from shared import push_upkeep_api as upkeep
from shared.http.endpoint import Call, Endpoint, Nothing


class PushRoutes:
    """The handlers, over one pool. `hooks`: who is told of what phones never got; None where nobody can be."""

    def __init__(self, pool: Pool, hooks: Hooks | None) -> None:
        self._pool = pool
        self._hooks = hooks

    async def laggards(self, call: Call[push_api.LaggardsRequest, Nothing]) -> push_api.LaggardsAnswer:
        return push_api.LaggardsAnswer(laggards=await push_targets.laggards(self._pool, call.body.deadlines))

    async def targets(self, call: Call[push_api.TargetsRequest, Nothing]) -> push_api.TargetsAnswer:
        return push_api.TargetsAnswer(targets=await push_targets.targets(self._pool, call.body.addressees))

    async def claim(self, call: Call[push_api.ClaimsRequest, Nothing]) -> push_api.ClaimsAnswer:
        verdicts = await push_ledger.claim(self._pool, call.body.claims, call.body.lease_seconds)
        return push_api.ClaimsAnswer(verdicts=verdicts)

    async def settle(self, call: Call[push_api.OutcomesRequest, Nothing]) -> push_api.Done:
        await push_ledger.settle(self._pool, call.body.outcomes, call.body.decisions)
        if self._hooks is not None:
            await push_failures.note_refused(self._pool, self._hooks, call.body.outcomes)
        return push_api.Done()

    async def due_receipts(self, call: Call[push_api.DueReceiptsRequest, Nothing]) -> push_api.DueReceiptsAnswer:
        due = await push_receipts.due_receipts(self._pool, call.body.limit, call.body.lease_seconds)
        return push_api.DueReceiptsAnswer(receipts=due)

    async def settle_receipts(self, call: Call[push_api.ReceiptOutcomesRequest, Nothing]) -> push_api.Done:
        await push_receipts.settle_receipts(self._pool, call.body.outcomes)
        if self._hooks is not None:
            await push_failures.note_lost(self._pool, self._hooks, call.body.outcomes)
        return push_api.Done()

    async def stale_badges(self, call: Call[upkeep.StaleBadgesRequest, Nothing]) -> upkeep.StaleBadgesAnswer:
        return upkeep.StaleBadgesAnswer(badges=await badges.take_stale(self._pool, call.body.limit))

    async def arrivals(self, call: Call[upkeep.ArrivalsRequest, Nothing]) -> upkeep.ArrivalsAnswer:
        return await arrivals.take(self._pool, call.body.limit)

    async def withdrawals(self, call: Call[upkeep.WithdrawalsRequest, Nothing]) -> upkeep.WithdrawalsAnswer:
        taken = await withdrawals.take_withdrawals(self._pool, call.body.limit)
        return upkeep.WithdrawalsAnswer(withdrawals=taken)


def endpoints(pool: Pool, hooks: Hooks | None = None) -> list[Endpoint]:
    routes = PushRoutes(pool, hooks)
    return [
        question(push_api.LAGGARDS, routes.laggards, push_api.LaggardsRequest, push_api.LaggardsAnswer),
        question(push_api.TARGETS, routes.targets, push_api.TargetsRequest, push_api.TargetsAnswer),
        question(push_api.CLAIMS, routes.claim, push_api.ClaimsRequest, push_api.ClaimsAnswer),
        question(push_api.OUTCOMES, routes.settle, push_api.OutcomesRequest, push_api.Done),
        question(push_api.DUE_RECEIPTS, routes.due_receipts, push_api.DueReceiptsRequest, push_api.DueReceiptsAnswer),
        question(push_api.RECEIPT_OUTCOMES, routes.settle_receipts, push_api.ReceiptOutcomesRequest, push_api.Done),
        question(
            upkeep.WITHDRAWALS,
            routes.withdrawals,
            upkeep.WithdrawalsRequest,
            upkeep.WithdrawalsAnswer,
        ),
        question(upkeep.ARRIVALS, routes.arrivals, upkeep.ArrivalsRequest, upkeep.ArrivalsAnswer),
        question(
            upkeep.STALE_BADGES,
            routes.stale_badges,
            upkeep.StaleBadgesRequest,
            upkeep.StaleBadgesAnswer,
        ),
    ]
