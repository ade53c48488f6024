"""From messages and users to notifications: decide, hold what comes in a burst, call Expo for the rest."""

from collections.abc import Sequence

import structlog

from pusher.bursts import BATCH, Burst, Bursts
from pusher.calls import Calls
from pusher.metrics import DECISIONS
from pusher.persistence_client import PersistenceAway, PersistenceClient, PersistenceRefused
from pusher.planning import Decided, Key, Push, decide_all, single, together
from pusher.policy import Now
from shared import push_api
from shared.clock import now_ms
from shared.metrics import ERRORS

log = structlog.get_logger()


class Delivery:
    """Methods raise PersistenceAway, PersistenceRefused and REDIS_FAILURES; nothing is lost, call them again later."""

    def __init__(self, persistence: PersistenceClient, calls: Calls, bursts: Bursts) -> None:
        self._persistence = persistence
        self._calls = calls
        self._bursts = bursts

    @property
    def stopped(self) -> str | None:
        """Expo's word on our credentials, while nothing goes out because of it."""
        return self._calls.stopped

    async def push(self, addressees: Sequence[push_api.Addressee]) -> set[Key]:
        """Tells these users of these messages as far as they should hear of them, now or with the rest of a burst.

        Gives those left unsettled: call it again with them after a while.
        """
        decided = await self._decided(addressees)
        at_once = await self._bursts.admit(list(decided.wanted.values()))
        left = await self._calls.make([push for target in at_once for push in single(target)])
        await self._bursts.postpone(decided.wanted[key] for key in left.postponed)
        await self._write_down(decided)
        return left.unsettled

    async def works(self) -> bool:
        """Whether persistence does for nobody what it refused for somebody: then the fault is that entry's."""
        try:
            await self._persistence.targets([])
            await self._persistence.claim([], 1.0)
        except (PersistenceAway, PersistenceRefused):
            return False
        return True

    async def flush_bursts(self) -> None:
        """Tells of every burst whose window has ended, unless it was read meanwhile."""
        while await self._flush_batch() == BATCH:
            pass

    async def _flush_batch(self) -> int:
        ended, bursts = await self._bursts.due()
        try:
            await self._tell(bursts)
        except PersistenceRefused:
            if len(bursts) == 1 or not await self.works():
                raise
            await self._tell_each(bursts)
        return ended

    async def _tell_each(self, bursts: Sequence[Burst]) -> None:
        """One of them cannot be told. It stays, to be tried again when its lease is over, and harms no other."""
        for burst in bursts:
            try:
                await self._tell([burst])
            except PersistenceRefused as error:
                ERRORS.labels("pusher", "refused").inc()
                log.warning("persistence refuses a burst", error=str(error), conversation_id=burst.conversation_id)

    async def _tell(self, bursts: Sequence[Burst]) -> None:
        if not bursts:
            return
        decided = await self._decided([one for burst in bursts for one in burst.addressees])
        pushes = {burst.member: _digest(burst, decided) for burst in bursts}
        left = await self._calls.make([push for some in pushes.values() for push in some])
        await self._write_down(decided)
        for burst in bursts:
            undone = left.unsettled | left.postponed
            settled = [message for message in burst.held if (message, burst.user_id) not in undone]
            await self._bursts.settle(burst, settled, told=bool(pushes[burst.member]))
        await self._bursts.postpone(decided.wanted[key] for key in left.postponed)

    async def _decided(self, addressees: Sequence[push_api.Addressee]) -> Decided:
        decided = decide_all(addressees, await self._persistence.targets(addressees), Now(now_ms()))
        for reason in decided.reasons:
            DECISIONS.labels(reason.value).inc()
        return decided

    async def _write_down(self, decided: Decided) -> None:
        if decided.decisions:
            await self._persistence.settle([], decided.decisions)


def _digest(burst: Burst, decided: Decided) -> list[Push]:
    """One push a device. Where only the first message is left to tell, its own entry does that."""
    messages = dict.fromkeys([burst.first, *burst.held])
    targets = [decided.wanted[key] for message in messages if (key := (message, burst.user_id)) in decided.wanted]
    pushes = together(targets, burst.since, several_senders=burst.several_senders)
    return [push for push in pushes if any(message.message_id in burst.held for message in push.messages)]
