"""An operator's question to a persistence process, over its internal port."""

import argparse
from collections.abc import Sequence
from typing import TypeVar

import aiohttp
import msgspec

from services import attached, openings
from services.fleet.mixture import mixture
from services.fleet.process import Process, Registry
from shared import api
from shared.api import Shape
from shared.http.errors import ErrorBody
from shared.redis import REDIS_FAILURES
from shared.settings import SettingError, Settings

ANSWER_SECONDS = 10.0

Answer = TypeVar("Answer")

NEEDS = """needs: SERVICE_TOKEN, and PERSISTENCE_URL (else REDIS_URL, where persistence processes say where they are);
       without them those of an `up` that runs (--data)"""

WHICH = "set PERSISTENCE_URL and SERVICE_TOKEN, which say which of them is meant"


class Failed(Exception):
    """Persistence was reached and did not do it; the text is one line."""


async def ask(settings: Settings, chosen: argparse.Namespace, path: str, question: Shape, kind: type[Answer]) -> Answer:
    """Raises SettingError where persistence is not found or refuses the token, and Failed where it cannot do it."""
    token = attached.service_token(settings, chosen)
    url = settings.persistence_url or await _found(settings, chosen)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
            http.post(url.rstrip("/") + path, data=msgspec.json.encode(question)) as response,
        ):
            body, status = await response.read(), response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SettingError(f"PERSISTENCE_URL: {url} does not answer: {str(error) or type(error).__name__}") from None
    if status == 401:
        raise SettingError(f"SERVICE_TOKEN: {url} refuses it")
    if status != 200:
        raise Failed(f"{url} answers {status}: {_reason(body)}")
    return msgspec.json.decode(body, type=kind)


async def own_epoch(settings: Settings, chosen: argparse.Namespace, running: Sequence[Process]) -> str:
    """The line of history of the deployment that is meant, where these are of several; empty where they are of one.

    Raises as `ask` does, and SettingError where nothing says which one is meant.
    """
    mixed = mixture(running)
    if not mixed:
        return ""
    if not settings.persistence_url:
        raise SettingError(f"{mixed}; {WHICH}")
    return (await ask(settings, chosen, api.HEADS, api.HeadsRequest(), api.HeadsAnswer)).epoch


async def _found(settings: Settings, chosen: argparse.Namespace) -> str:
    async with openings.redis_client(attached.redis_url(settings, chosen), settings.redis_prefix) as redis:
        try:
            running = await Registry(redis).running()
        except REDIS_FAILURES as error:
            raise SettingError(f"REDIS_URL: {error}") from None
    if mixed := mixture(running):
        raise SettingError(f"{mixed}; {WHICH}")
    address = next((one.address for one in running if one.service == "persistence"), None)
    if address is None:
        raise SettingError("PERSISTENCE_URL is not set, and no persistence process says in Redis where it is")
    return address


def _reason(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=ErrorBody).error
    except msgspec.DecodeError:
        return "no reason given"
