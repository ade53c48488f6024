"""Expo's receipts: what APNs or FCM said of a push, asked for some time after it."""

from collections.abc import Iterable, Mapping, Sequence

import structlog

from pusher.epoch import Epoch
from pusher.expo import Expo
from pusher.halts import Halts
from pusher.metrics import HALTED, PLATFORMS, PUSHES
from pusher.persistence_client import PersistenceClient
from pusher.planning import UNKNOWN_PLATFORM
from pusher.refusals import CREDENTIALS, DEAD, PASSING, report
from shared import push_api
from shared.redis import RedisClient
from shared.streams import Undelivered
from shared.undelivered import Overflow, write

log = structlog.get_logger()

BATCH = 300
"""As Expo's SDK for Node asks, though its documentation allows 1,000."""
LEASE_SECONDS = 120.0
AGAIN = {*PASSING, CREDENTIALS}
"""APNs or FCM took nothing."""


class Receipts:
    """`sweep` raises PersistenceAway and REDIS_FAILURES; what it leased is due again after LEASE_SECONDS."""

    def __init__(
        self, expo: Expo, persistence: PersistenceClient, redis: RedisClient, halts: Halts, epoch: Epoch
    ) -> None:
        self._epoch = epoch
        self._expo = expo
        self._persistence = persistence
        self._redis = redis
        self._overflow = Overflow()
        self._halts = halts

    async def sweep(self) -> None:
        """Asks for every receipt that is due, and for those of the probes of a halted platform."""
        while due := await self._persistence.due_receipts(BATCH, LEASE_SECONDS):
            found = await self._expo.receipts([one.ticket_id for one in due])
            if found is None:
                break
            await self._settle(due, found)
        await self._look_at_probes()

    async def _settle(self, due: Sequence[push_api.DueReceipt], found: Mapping[str, str]) -> None:
        # Halted first: what is put back into the stream below must find the halt.
        await self._halt(one for one in due if found.get(one.ticket_id) == CREDENTIALS)
        await self._persistence.settle_receipts([_outcome(one, found.get(one.ticket_id)) for one in due])
        again = [_entry(one, self._epoch.current) for one in due if found.get(one.ticket_id) in AGAIN]
        await write(self._redis, self._overflow, again)
        for receipt in found.values():
            PUSHES.labels("confirmed" if receipt == "ok" else "refused").inc()
        report([receipt for receipt in found.values() if receipt != "ok"])

    async def _halt(self, refused: Iterable[push_api.DueReceipt]) -> None:
        latest: dict[str, int] = {}
        for one in refused:
            platform = one.platform or UNKNOWN_PLATFORM
            latest[platform] = max(one.sent_at_ms, latest.get(platform, 0))
        for platform, sent_at_ms in latest.items():
            if await self._halts.halt(platform, sent_at_ms):
                log.error("credentials are refused: pushes of this platform wait", platform=platform)

    async def _look_at_probes(self) -> None:
        halted = await self._halts.halted()
        for platform in sorted(halted):
            tickets = await self._halts.probes(platform)
            found = await self._expo.receipts(tickets) if tickets else None
            if found and "ok" in found.values():
                await self._halts.lift(platform)
                log.info("credentials are taken again: pushes of this platform go on", platform=platform)
            elif found:
                await self._halts.forget(platform, found)
        for platform in PLATFORMS:
            HALTED.labels(platform).set(platform in halted)


def _outcome(due: push_api.DueReceipt, receipt: str | None) -> push_api.ReceiptOutcome:
    return push_api.ReceiptOutcome(
        conversation_id=due.conversation_id,
        message_id=due.message_id,
        device_id=due.device_id,
        receipt=receipt,
        dead_token=receipt == DEAD,
        again=receipt in AGAIN,
        counts=receipt != CREDENTIALS,
    )


def _entry(due: push_api.DueReceipt, epoch: str) -> Undelivered:
    users = [due.user_id]
    return Undelivered(due.conversation_id, due.seq, due.message_id, due.sender_id, users, due.at_ms, epoch=epoch)
