"""The store alone: the queue that joins sends, with nothing in front of it.

python -m tests.bench.servers.store_sender DATABASE_URL ROOMS MEMBERS USERS SENDERS SECONDS: prints its sends a second.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence

import uvloop

from persistence.database.pool import open_pool
from persistence.log.logged import Logged
from persistence.messages.queue import SendQueue
from persistence.messages.views import Draft, Sent
from shared.checkpoints import NoCheckpoints
from shared.ids import new_id
from tests.bench.seats import Seats, conversation_id, user_id

POOL = 10
WARM_UP_SECONDS = 1.0


async def main(database_url: str, seats: Seats, senders: int, seconds: float) -> None:
    pool = await open_pool(database_url, size=POOL)
    queue = SendQueue(pool, _ignore, NoCheckpoints())
    running = asyncio.create_task(queue.run(), name="queue")
    await _send(queue, seats, senders, WARM_UP_SECONDS)
    begun, spent = time.monotonic(), time.process_time()
    sent = await _send(queue, seats, senders, seconds)
    took = time.monotonic() - begun
    used = time.process_time() - spent
    running.cancel()
    await asyncio.wait((running,))
    await pool.close()
    print(json.dumps({"sends_per_s": sent / took, "python_ms": used / max(1, sent) * 1e3}))


async def _send(queue: SendQueue, seats: Seats, senders: int, seconds: float) -> int:
    end, chance = time.monotonic() + seconds, random.Random(1)
    count = 0

    async def one_sender() -> None:
        nonlocal count
        while time.monotonic() < end:
            room = chance.randrange(seats.rooms)
            sender = user_id(chance.choice(seats.users_in(room)))
            draft = Draft(id=new_id(), sender_id=sender, text="See you at nine then?", client_id=new_id())
            outcome = await queue.send(conversation_id(room), draft)
            count += isinstance(outcome, Sent)

    async with asyncio.TaskGroup() as group:
        for _ in range(senders):
            group.create_task(one_sender())
    return count


def _ignore(_: Sequence[Logged]) -> None: ...


if __name__ == "__main__":
    url, rooms, members, users, at_once, length = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(url, Seats(int(rooms), int(members), int(users)), int(at_once), float(length)))
