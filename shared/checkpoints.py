"""Places between two steps of which neither may be lost: where the fault laboratory kills a process.

Everywhere else reaching one does nothing. The composition root decides which of the two a process gets.
"""

from typing import Final, Protocol

COMMITTED: Final = "committed, not published"
PUBLISHED: Final = "published, outbox not deleted"
RECEIPTS_APPLIED: Final = "receipts applied, not acknowledged"
EXPO_ANSWERED: Final = "expo answered, ledger not written"
SCHEDULE_CLAIMED: Final = "scheduled message claimed, not sent"
SCHEDULE_SENT: Final = "scheduled message sent, not noted"
PUSH_SETTLED: Final = "push settled, entry not acknowledged"


class Checkpoints(Protocol):
    async def reach(self, name: str) -> None:
        """Returns when the process may go on."""


class NoCheckpoints:
    """Goes on at once: for every process outside of the laboratory."""

    async def reach(self, name: str) -> None:
        pass
