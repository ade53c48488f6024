"""`python -m tests.system.abuse.attacker NAME GATEWAY PERSISTENCE TOKEN SECONDS`: one attack in a process of its
own, which takes only what processor time the server leaves. Prints what the attacker was told, as JSON.
"""

import asyncio
import contextlib
import json
import os
import sys

import uvloop

from tests.system.abuse.attacks import ATTACKS
from tests.system.abuse.wire import Target


async def _attack(name: str, target: Target, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ATTACKS[name](target)


def main(name: str, gateway: str, persistence: str, token: str, seconds: str) -> None:
    os.nice(19)
    target = Target(int(gateway), int(persistence), token)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_attack(name, target, float(seconds)))
    print(json.dumps(target.told))


if __name__ == "__main__":
    main(*sys.argv[1:])
