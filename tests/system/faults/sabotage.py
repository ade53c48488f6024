"""`make faults-broken`: breaks one guarantee at a time in a copy of the source, and expects the checker to notice.

Each sabotage is an exact replacement in one file, such as a tired engineer might make. The unbroken source runs first,
under the same seed and the same patience: what the checker then says of a broken one is about what was broken.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.fleet import ROOT
from tests.system.faults.laboratory import Patience, Verdict, run

PACKAGES = ("services", "gateway", "persistence", "pusher", "shared")
MESSAGES, FAULTS, SECONDS = 800, 8, 16.0
PATIENCE = Patience(settle_seconds=20.0)
SEEDS = (1, 2, 3, 4, 5)
"""Tried one after another: a rare interleaving may need another schedule."""


@dataclass(frozen=True)
class Sabotage:
    """In `file` each first text of `changes` becomes the second; then `promise` does not hold any more."""

    name: str
    promise: str
    file: str
    changes: tuple[tuple[str, str], ...]

    def apply(self, source: Path) -> None:
        """Raises AssertionError unless each text is there exactly once."""
        path = source / self.file
        text = path.read_text()
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.name}: {text.count(old)} times in {self.file}: {old}"
            text = text.replace(old, new)
        path.write_text(text)


SABOTAGES = (
    Sabotage(
        "skip the relay",
        "what a dead process left is published",
        "services/persistence.py",
        (
            (
                """    tasks.periodically(RELAY_SECONDS, relay.sweep, name="relay")
""",
                "",
            ),
        ),
    ),
    Sabotage(
        "drop the gap fetch",
        "what Redis lost is read from the log",
        "gateway/gateway.py",
        (
            (
                """        self._tasks.spawn(self._gaps.run(), name="gaps")
""",
                "",
            ),
        ),
    ),
    Sabotage(
        "read the heads before the rooms are confirmed",
        "nothing falls between the head and the subscription",
        "gateway/rooms/entry.py",
        (
            (
                """            await self._move(arrival, found.session.rooms)
            await self._check_count(counted)
            read = await self._lookups.heads(arrival.rooms, user.user_id)
""",
                """            read = await self._lookups.heads([room.id for room in found.session.rooms], user.user_id)
            await self._move(arrival, found.session.rooms)
            await self._check_count(counted)
""",
            ),
        ),
    ),
    Sabotage(
        "clamp a cursor late",
        "one past the end counts as the end at that moment",
        "gateway/session/frame_handler.py",
        (
            (
                """        if command.seq <= room.reorder.head:
""",
                """        if command.seq:
""",
            ),
        ),
    ),
    Sabotage(
        "forward as it comes",
        "events of a conversation come in their order, each once",
        "gateway/rooms/hub.py",
        (
            (
                """        ready = room.reorder.accept(seq, envelope, monotonic())
""",
                """        room.reorder.accept(seq, envelope, monotonic())
        ready = (envelope,)
""",
            ),
        ),
    ),
    Sabotage(
        "ignore the client id",
        "a retry sends nothing twice",
        "persistence/routes/messages.py",
        (
            (
                """            client_id=given.client_id,
""",
                """            client_id=None,
""",
            ),
        ),
    ),
    Sabotage(
        "answer before the commit",
        "a 201 means committed",
        "persistence/sending.py",
        (
            (
                """            return await messages.send(await borrower.connection(), conversation_id, drafts)
""",
                """            connection = await self._pool.acquire()
            transaction = connection.transaction()
            await transaction.start()
            outcomes = await messages.send(connection, conversation_id, drafts)

            async def commit() -> None:
                await asyncio.sleep(0.2)
                await transaction.commit()
                await self._pool.release(connection)

            self._commits = [*getattr(self, "_commits", []), asyncio.create_task(commit())]
            return outcomes
""",
            ),
        ),
    ),
    Sabotage(
        "let a cursor go back",
        "a cursor only goes forward",
        "persistence/store/cursors.py",
        (
            (
                """           greatest(read_seq, least(read, last_seq)) AS new_read
""",
                """           CASE WHEN read > 0 THEN least(read, last_seq) ELSE read_seq END AS new_read
""",
            ),
            (
                """ w.new_read > w.read_seq)
    RETURNING""",
                """ w.new_read <> w.read_seq)
    RETURNING""",
            ),
        ),
    ),
    Sabotage(
        "count the sender's own message as unread",
        "unread counts what lies above the read cursor",
        "persistence/store/messages.py",
        (
            (
                """read_seq = last.seq, read_ordinal = last.ordinal,
""",
                """read_seq = last.seq,
""",
            ),
        ),
    ),
    Sabotage(
        "let the departed stay online",
        "who left is told offline",
        "gateway/rooms/entry.py",
        (
            (
                """        user = session.user
        self._presence.depart(user, user.live_rooms())
        user.sessions""",
                """        user = session.user
        user.sessions""",
            ),
        ),
    ),
    Sabotage(
        "push nobody who is offline",
        "the silent are reached",
        "persistence/delivery/push_state.py",
        (
            (
                """        if offline:
            plan""",
                """        if not offline:
            plan""",
            ),
        ),
    ),
)


def broken(sabotage: Sabotage | None, folder: Path) -> Path:
    """A copy of what runs, with that sabotage in it."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    if sabotage is not None:
        sabotage.apply(folder)
    return folder


async def trial(sabotage: Sabotage | None, seed: int) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="parley-broken-") as folder:
        source = broken(sabotage, Path(folder))
        return await run(seed, messages=MESSAGES, faults=FAULTS, seconds=SECONDS, source=source, patience=PATIENCE)


def caught(sabotage: Sabotage) -> bool:
    """Tries seeds until the checker finds something, and prints what."""
    for seed in SEEDS:
        verdict = asyncio.run(trial(sabotage, seed))
        if verdict.violations:
            checks = sorted({found.split(":")[0] for found in verdict.violations})
            print(
                f"{sabotage.name}: caught by {', '.join(checks)} with seed {seed}, {verdict.seconds:.0f} s", flush=True
            )
            print(f"  {verdict.violations[0]}", flush=True)
            shutil.rmtree(verdict.directory)
            return True
    print(f"{sabotage.name}: NOT CAUGHT with seeds {SEEDS}", flush=True)
    return False


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.system.faults.sabotage", description=__doc__)
    arguments.add_argument("--only", metavar="NAME", choices=[one.name for one in SABOTAGES], help="this one alone")
    chosen = arguments.parse_args()
    sound = asyncio.run(trial(None, SEEDS[0]))
    print(sound, flush=True)
    if sound.violations:
        print("the unbroken source was not judged sound: what follows would prove nothing", flush=True)
        return 1
    tried = [one for one in SABOTAGES if chosen.only in (None, one.name)]
    missed = [one.name for one in tried if not caught(one)]
    print(f"{len(tried) - len(missed)} of {len(tried)} broken guarantees were caught", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
