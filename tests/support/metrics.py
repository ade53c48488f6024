"""A process' own numbers, read from its /metrics."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fleet import ServiceProcess


async def sample(process: ServiceProcess, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels; 0 where there is none."""
    async with aiohttp.ClientSession() as session, session.get(f"{process.internal_url}/metrics") as response:
        text = await response.text()
    return sum(
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )
