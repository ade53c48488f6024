"""How fast two pushers drain a backlog, and what memory they take: `python -m tests.system.push.backlog`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
import psutil

from persistence.database.migrate import migrate
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from shared import keys
from shared.clock import now_ms
from shared.ids import new_id
from shared.streams import Undelivered
from tests.support.fake_expo import Faults
from tests.system.push.crowd import CHUNK, gather_crowd, say_to_all
from tests.system.push.soak import Run, running


async def fill(run: Run, entries: int) -> dict[str, int]:
    """So many messages for people who are offline, and an entry for each. Each one's token, and the message's seq."""
    sender_id = new_id()
    crowd = await gather_crowd(run.pool, sender_id, entries)
    ids = await say_to_all(run.pool, sender_id, crowd)
    waiting = [
        Undelivered(member.conversation_id, 1, message_id, sender_id, [member.user_id], now_ms())
        for member, message_id in zip(crowd, ids, strict=True)
    ]
    for start in range(0, entries, CHUNK):
        async with run.redis.pipeline(transaction=False) as pipeline:
            for entry in waiting[start : start + CHUNK]:
                pipeline.execute_command("XADD", keys.UNDELIVERED, "*", "message", msgspec.json.encode(entry))
            await pipeline.execute()
    await run.pool.execute("ANALYZE")
    return dict.fromkeys((member.token for member in crowd), 1)


async def start_over(run: Run, entries: int) -> dict[str, int]:
    """Pushers that find so many entries waiting when they start; as `fill`."""
    for pusher in run.pushers:
        await pusher.stop()
    newest = await fill(run, entries)
    for pusher in run.pushers:
        await pusher.start()
    return newest


async def _main(entries: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with EmbeddedPostgres(directory) as postgres, EmbeddedRedis(directory) as redis:
            await migrate(postgres.url)
            async with running(directory, postgres.url, redis.url) as run:
                await _measure(run, entries)
    return 0


async def _measure(run: Run, entries: int) -> None:
    run.expo.faults = Faults(delay_seconds=0.2)
    await start_over(run, entries)
    largest = [0 for _ in run.pushers]
    draining = asyncio.create_task(run.drained())
    while not draining.done():
        await asyncio.sleep(1)
        sizes = [psutil.Process(pusher.pid).memory_info().rss for pusher in run.pushers]
        largest = [max(pair) for pair in zip(largest, sizes, strict=True)]
    await draining
    times = [one.at for one in run.expo.accepted]
    took = times[-1] - times[0]
    told = len({one.token for one in run.expo.accepted})
    print(f"{told} of {entries} told in {took:.1f} s: {len(times) / took:.0f} a second")
    print(f"busiest second {run.expo.window.most}, {dict(run.expo.calls)}")
    print("pushers at their largest:", ", ".join(f"{size / 2**20:.0f} MiB" for size in largest))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--entries", type=int, default=100_000)
    sys.exit(asyncio.run(_main(arguments.parse_args().entries)))
