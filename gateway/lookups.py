"""Look-ups of many connects in one call: what is asked within a few milliseconds goes to persistence together."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from gateway.persistence_client import PersistenceAway, PersistenceClient, PersistenceRefused
from shared import api
from shared.auth import Profile

GATHER_SECONDS = 0.002
"""A lone connect waits so long for company: less than its round trip."""
LONGEST_GATHER_SECONDS = 0.01
"""A call costs as much as everything else of a connect: in a storm it is to carry many."""
BATCHES_AT_ONCE = 2

Question = TypeVar("Question")
Answer = TypeVar("Answer")
_Asked: TypeAlias = tuple[Question, asyncio.Future[Answer]]


class Starter(Protocol):
    """The owner of background tasks: shared.lifecycle.Tasks."""

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> object: ...


class _Batches(Generic[Question, Answer]):
    """Gathers questions, and answers each from the one answer to all that were asked together.

    A lone question waits for `GATHER_SECONDS`; the more came together, the longer the next ones gather; and in a storm
    they do until one of `BATCHES_AT_ONCE` is answered. An answer is never older than its question: a batch is closed
    before it is sent.
    """

    def __init__(
        self,
        tasks: Starter,
        ask: Callable[[list[Question]], Coroutine[Any, Any, Sequence[Answer]]],
        *,
        weigh: Callable[[Question], int],
        name: str,
    ) -> None:
        self._tasks = tasks
        self._ask = ask
        self._weigh = weigh
        self._name = name
        self._waiting: deque[_Asked[Question, Answer]] = deque()
        self._on_the_way = 0
        self._is_gathering = False
        self._gather_seconds = GATHER_SECONDS

    async def answer(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, future))
        self._gather()
        return await future

    def _gather(self) -> None:
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()  # whoever asked has left
        if self._waiting and not self._is_gathering and self._on_the_way < BATCHES_AT_ONCE:
            self._is_gathering = True
            asyncio.get_running_loop().call_later(self._gather_seconds, self._send)

    def _send(self) -> None:
        self._is_gathering = False
        batch: list[_Asked[Question, Answer]] = []
        weight = 0
        while self._waiting:
            weight += self._weigh(self._waiting[0][0])
            if batch and weight > api.MAX_LOOKUPS:
                break
            batch.append(self._waiting.popleft())
        self._gather_seconds = min(LONGEST_GATHER_SECONDS, GATHER_SECONDS * max(1, len(batch)))
        self._on_the_way += 1
        self._tasks.start(self._resolve(batch), name=self._name)
        self._gather()

    async def _resolve(self, batch: list[_Asked[Question, Answer]]) -> None:
        try:
            await self._answer_each(batch)
        finally:
            _fail(batch, PersistenceAway("the look-up was given up"))
            self._on_the_way -= 1
            self._gather()

    async def _answer_each(self, batch: list[_Asked[Question, Answer]]) -> None:
        """A question that persistence refuses fails alone: those who came together are asked again in halves."""
        try:
            answers = await self._ask([question for question, _ in batch])
        except PersistenceRefused as refused:
            if len(batch) == 1:
                _fail(batch, refused)
                return
            half = len(batch) // 2
            await self._answer_each(batch[:half])
            await self._answer_each(batch[half:])
        except PersistenceAway as away:
            _fail(batch, away)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(batch: Iterable[_Asked[Any, Any]], failure: PersistenceAway) -> None:
    """Those who have no answer yet."""
    for _, future in batch:
        if not future.done():
            future.set_exception(failure)


class Heads(NamedTuple):
    """Read after it was asked for. A conversation that is gone, or in which the user is not, is absent; `version` is
    None for an unknown user. `counted` are the seqs of the last messages, where those are not the heads."""

    epoch: str
    heads: dict[str, int]
    counted: dict[str, int]
    version: int | None


class Found(NamedTuple):
    """`revoked`: the sign-in that was asked about."""

    epoch: str
    session: api.Session
    revoked: bool


class Lookups:
    """The look-ups of a connect, batched. Both raise PersistenceAway."""

    def __init__(self, persistence: PersistenceClient, tasks: Starter) -> None:
        self._persistence = persistence
        self._sessions = _Batches(tasks, self._ask_sessions, weigh=lambda _: 1, name="look up sessions")
        self._heads = _Batches(tasks, self._ask_heads, weigh=lambda question: len(question[0]), name="look up heads")

    async def session(self, user_id: str, profile: Profile, session_id: str | None = None) -> Found:
        """The user's conversations and their membership version; and whether this sign-in of theirs is revoked."""
        return await self._sessions.answer((api.SessionUser.of(user_id, profile), session_id))

    async def heads(self, conversations: Iterable[str], user_id: str) -> Heads:
        """Heads of these conversations and the user's version, in pieces of MAX_LOOKUPS conversations.

        The version belongs to the first piece: a change after it reaches whoever is subscribed to the user's channel.
        """
        rest = iter(conversations)
        found = await self._heads.answer((list(islice(rest, api.MAX_LOOKUPS)), user_id))
        while piece := list(islice(rest, api.MAX_LOOKUPS)):
            more = await self._heads.answer((piece, user_id))
            if more.epoch != found.epoch:
                raise PersistenceAway("the database was restored meanwhile")
            found.heads.update(more.heads)
            found.counted.update(more.counted)
        return found

    async def _ask_sessions(self, questions: list[tuple[api.SessionUser, str | None]]) -> list[Found]:
        users = {user.id: user for user, _ in questions}
        session_ids = [session_id for _, session_id in questions if session_id is not None]
        answer = await self._persistence.sessions(list(users.values()), session_ids)
        by_id = {session.id: session for session in answer.sessions}
        missing = users.keys() - by_id.keys()
        if missing:
            raise PersistenceRefused(f"no session in the answer for {len(missing)} users")
        return [Found(answer.epoch, by_id[user.id], session_id in answer.revoked) for user, session_id in questions]

    async def _ask_heads(self, questions: list[tuple[list[str], str]]) -> list[Heads]:
        pairs: dict[str, list[str]] = {}
        for asked, user_id in questions:
            pairs.setdefault(user_id, []).extend(asked)
        conversations = list({conversation for asked, _ in questions for conversation in asked})
        answer = await self._persistence.heads(conversations, list(pairs), pairs)
        return [_heads(answer, asked, user_id) for asked, user_id in questions]


def _heads(answer: api.HeadsAnswer, asked: list[str], user_id: str) -> Heads:
    outside = answer.outside.get(user_id, ())
    return Heads(
        answer.epoch,
        {one: answer.heads[one] for one in asked if one in answer.heads and one not in outside},
        {one: answer.counted[one] for one in asked if one in answer.counted},
        answer.versions.get(user_id),
    )
