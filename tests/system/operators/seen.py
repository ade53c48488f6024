"""The fleet as its operators see it."""

import aiohttp

from services.fleet.process import Process, Registry
from services.openings import redis_client
from shared.ids import new_id
from tests.support.fleet import Fleet, ServiceProcess
from tests.support.person import Person

FAST = "1.5"
"""LEASE_SECONDS: a process says twice a second how it is."""


def person(running: Fleet, http: aiohttp.ClientSession, handle: str, user_id: str = "") -> Person:
    """A user of the first gateway and the first persistence."""
    user_id = user_id or new_id()
    store, gateway = running.processes["persistence-1"], running.processes["gateway-1"]
    return Person(http, store.url, running.token(user_id, handle), socket=gateway.url, user_id=user_id)


async def seen(running: Fleet) -> list[Process]:
    """What the processes say of themselves."""
    async with redis_client(running.base["REDIS_URL"], "") as redis:
        return await Registry(redis).running()


def line(processes: list[Process], process: ServiceProcess) -> Process | None:
    return next((one for one in processes if one.address == process.internal_url), None)
