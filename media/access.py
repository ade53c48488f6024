"""May this user have the file? Asked of persistence for each use, by few questions however many use files at once."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from prometheus_client import Counter

from media.persistence_client import PersistenceAway, PersistenceClient
from shared.lifecycle import Tasks
from shared.media_api import MOST_ASKS, Ask, File

YES_SECONDS = 1.0
"""How long a yes may be used again; a no never is: what was just sent must be there at once."""
SPACE_SECONDS = 0.02
"""Between two questions: what comes meanwhile goes with the next one. A first one waits for nobody."""
MOST_KNOWN = 20_000

QUESTIONS = Counter("parley_media_access_questions_total", "Questions to persistence after who may have files.")
ASKED = Counter("parley_media_access_asked_total", "Uses of files that were asked about, by the answer.", ["answer"])
_KNOWN, _YES, _NO = (ASKED.labels(answer) for answer in ("known", "yes", "no"))


class Access:
    """`run` is to run as a task."""

    def __init__(self, persistence: PersistenceClient, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._persistence = persistence
        self._tasks = tasks
        self._clock = clock
        self._known: OrderedDict[Ask, tuple[float, File]] = OrderedDict()
        self._waiting: dict[Ask, asyncio.Future[File | None]] = {}
        self._news = asyncio.Event()

    async def file(self, ask: Ask) -> File | None:
        """None: there is no such file for this user. Raises PersistenceAway."""
        known = self._known.get(ask)
        if known is not None and self._clock() < known[0]:
            _KNOWN.inc()
            return known[1]
        found = self._waiting.get(ask)
        if found is None:
            found = self._waiting[ask] = asyncio.get_running_loop().create_future()
            self._news.set()
        return await asyncio.shield(found)

    async def run(self) -> None:
        """Forever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                asks = list(self._waiting)[:MOST_ASKS]
                # Race: whoever asks the same from here on asks anew, for the answer may be older than their question.
                futures = [self._waiting.pop(ask) for ask in asks]
                self._tasks.start(self._answer(asks, futures), name="access")
                await asyncio.sleep(SPACE_SECONDS)

    async def _answer(self, asks: list[Ask], futures: list[asyncio.Future[File | None]]) -> None:
        QUESTIONS.inc()
        asked_at = self._clock()
        try:
            files = await self._persistence.access(asks)
        except PersistenceAway as error:
            for future in futures:
                future.set_exception(error)
                future.exception()  # whoever waited may be gone
            return
        for ask, file, future in zip(asks, files, futures, strict=True):
            self._note(ask, file, asked_at)
            future.set_result(file)

    def _note(self, ask: Ask, file: File | None, asked_at: float) -> None:
        (_NO if file is None else _YES).inc()
        self._known.pop(ask, None)
        if file is not None:
            self._known[ask] = (asked_at + YES_SECONDS, file)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
