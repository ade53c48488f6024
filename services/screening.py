"""What is asked before a message is sent, where the settings want it."""

from contextlib import AsyncExitStack
from typing import cast

import aiohttp

from persistence.database.pool import Pool
from persistence.screening.hook import MOST_AT_ONCE, BeforeSendHook
from persistence.screening.screen import OnFailure, Screen
from persistence.screening.screening import Screening
from persistence.screening.words import BlockedWords
from shared.settings import SettingError, Settings


async def screening(settings: Settings, pool: Pool, stack: AsyncExitStack) -> Screening | None:
    """None where nothing is to be asked: then a send costs nothing more. The stack closes its connections. Raises
    SettingError for a list of words that cannot be read."""
    if settings.before_send_url is None and settings.blocked_words is None:
        return None
    hook = None if settings.before_send_url is None else await _hook(settings, settings.before_send_url, stack)
    words = None if settings.blocked_words is None else _words(settings.blocked_words)
    on_failure = cast(OnFailure, settings.before_send_fail)
    return Screening(pool, Screen(hook, words, on_failure, flags=settings.blocked_words_action == "flag"))


async def _hook(settings: Settings, url: str, stack: AsyncExitStack) -> BeforeSendHook:
    connector = aiohttp.TCPConnector(limit=MOST_AT_ONCE)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    return BeforeSendHook(session, url, settings.before_send_secret, settings.before_send_ms / 1000)


def _words(path: str) -> BlockedWords:
    try:
        return BlockedWords.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"BLOCKED_WORDS cannot be read: {type(error).__name__}") from None
