"""A process' own numbers, read from its /metrics."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support.fleet import ServiceProcess


async def samples(process: ServiceProcess) -> list[Sample]:
    """All of them, of one moment."""
    async with aiohttp.ClientSession() as session, session.get(f"{process.internal_url}/metrics") as response:
        text = await response.text()
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


async def sample(process: ServiceProcess, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels; 0 where there is none."""
    return total(await samples(process), name, **labels)


def total(told: list[Sample], name: str, **labels: str) -> float:
    return sum(one.value for one in told if one.name == name and labels.items() <= one.labels.items())
