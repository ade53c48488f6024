"""The tail of a quiet room, made likely to be lost: somebody connects just as the only message there is sent.

Each watcher connects to a gateway on which nobody else is in its rooms, through a slow link to Redis, while partners
who have no connection send one message each, somewhere between its look-ups and its subscriptions. No later message
shows that one was missed. Each watcher has hidden two conversations before: one stays so, into the other comes such a
message.
"""

import asyncio
import random

from tests.system.faults.load import People, add_user
from tests.system.faults.schedule import GATEWAYS
from tests.system.faults.world import World

WATCHERS = 3
"""On each gateway."""
PARTNERS = 8
LINK_DELAY_SECONDS = 0.1
CONNECTING_SECONDS = 6 * LINK_DELAY_SECONDS
"""Two confirmations of subscriptions and what comes between: some messages are sent before all that, some after."""


async def last_look(world: World, crowd: People, seed: int) -> None:
    """The watchers stay connected."""
    dice = random.Random(seed)
    partners = [add_user(crowd, world, f"partner{number}", dice) for number in range(PARTNERS)]
    watchers = [
        add_user(crowd, world, f"watcher{number}", dice, gateway=gateway)
        for gateway in GATEWAYS
        for number in range(WATCHERS)
    ]
    pairs = [(partner, watcher) for partner in partners for watcher in watchers]
    made = await asyncio.gather(*(_meet(crowd, *pair) for pair in pairs))
    crowd.quiet.update({conversation_id: list(pair) for conversation_id, pair in zip(made, pairs, strict=True)})
    hidden = await asyncio.gather(*(_hide_one(crowd, partners[0], watcher) for watcher in watchers * 2))
    links = [world.proxies[f"{gateway}>redis"] for gateway in GATEWAYS]
    for link in links:
        link.delay(LINK_DELAY_SECONDS)
    for watcher in watchers:
        crowd.switch_on(crowd.devices[watcher][0])
    await asyncio.gather(
        *(_speak(crowd, conversation_id, dice.uniform(0, CONNECTING_SECONDS)) for conversation_id in made),
        *(_bring_back(crowd, one, dice.uniform(0, CONNECTING_SECONDS)) for one in hidden[: len(watchers)]),
    )
    for link in links:
        link.heal()
    await asyncio.gather(*(crowd.devices[watcher][0].connected.wait() for watcher in watchers))


async def _meet(crowd: People, partner: str, watcher: str) -> str:
    return await crowd.devices[partner][0].rest.create([partner, watcher], group=False)


async def _hide_one(crowd: People, partner: str, watcher: str) -> str:
    members = [partner, watcher]
    conversation_id = await crowd.devices[partner][0].rest.create(members, group=True, name="hidden")
    await crowd.devices[watcher][0].hide(conversation_id)
    crowd.corners[conversation_id] = members
    return conversation_id


async def _bring_back(crowd: People, conversation_id: str, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    partner = crowd.devices[crowd.corners[conversation_id][0]][0]
    await partner.rest.send(conversation_id, f"back-{conversation_id}", "come back")


async def _speak(crowd: People, conversation_id: str, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    partner = crowd.quiet[conversation_id][0]
    await crowd.devices[partner][0].send(
        conversation_id, f"last-{conversation_id}", f"the last word in {conversation_id}"
    )
