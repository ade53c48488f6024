"""What a gateway asks persistence, over its internal port. Knows the routes and shapes of shared/api.py, no SQL."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from shared import api
from shared import operator_api as operators

ANSWER_SECONDS = 5.0
CONCURRENT_CALLS = 8
"""Look-ups are batched: a few calls at once carry thousands of connects, and more would only queue at persistence."""

_AWAY = frozenset((401, 403, 404, 429, 502, 503, 504))
"""What is answered whatever is asked: no reason to ask again in smaller pieces."""

Answer = TypeVar("Answer")


class PersistenceAway(Exception):
    """Persistence did not answer, or answered with an error: ask again later."""


class PersistenceRefused(PersistenceAway):
    """Persistence answered that it cannot answer this: something in the question, which may be one of many in it."""


class PersistenceClient:
    """Every method raises PersistenceAway. One request is one attempt: who asks decides about another one.

    An async context manager; `url` is that of persistence's internal port.
    """

    def __init__(self, url: str, service_token: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {service_token}", "Content-Type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds)
        self._turns = asyncio.Semaphore(CONCURRENT_CALLS)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._http is not None
        await self._http.close()

    async def sessions(self, users: list[api.SessionUser], session_ids: Sequence[str] = ()) -> api.SessionsAnswer:
        """The users' conversations, and which of the sign-ins are revoked; at most MAX_LOOKUPS of each."""
        return await self._ask(api.SESSIONS, api.SessionsRequest(users, list(session_ids)), api.SessionsAnswer)

    async def revocations(self, since: int) -> operators.RevocationsAnswer:
        return await self._ask(operators.REVOCATIONS, operators.RevocationsRequest(since), operators.RevocationsAnswer)

    async def heads(
        self, conversations: list[str], users: list[str], pairs: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> api.HeadsAnswer:
        """Last seqs and membership versions of one moment; at most MAX_LOOKUPS of each.

        `pairs`: in which of the conversations each user is believed to be; the answer says where that is wrong.
        """
        places = {conversation: place for place, conversation in enumerate(conversations)}
        asked = {user: [places[one] for one in theirs] for user, theirs in pairs.items() if theirs}
        return await self._ask(api.HEADS, api.HeadsRequest(conversations, users, asked), api.HeadsAnswer)

    async def events(
        self, conversation_id: str, *, after: int, up_to: int, users: Sequence[str] = ()
    ) -> api.EventsAnswer:
        """The events of a gap; and who of these users is not in the conversation, in the same snapshot."""
        question = api.EventsRequest(conversation_id, after, up_to, list(users)[: api.MAX_LOOKUPS])
        return await self._ask(api.EVENTS, question, api.EventsAnswer)

    async def receipts(self, conversations: list[str], as_of: str | None) -> api.ReceiptsAnswer:
        return await self._ask(api.RECEIPTS, api.ReceiptsRequest(conversations, as_of), api.ReceiptsAnswer)

    async def peers(self, users: list[str]) -> api.PeersAnswer:
        return await self._ask(api.PEERS, api.PeersRequest(users), api.PeersAnswer)

    async def conversations(self, user_id: str, conversations: list[str]) -> api.ConversationsAnswer:
        question = api.ConversationsRequest(user_id, conversations)
        return await self._ask(api.CONVERSATIONS, question, api.ConversationsAnswer)

    async def _ask(self, path: str, question: api.Shape, kind: type[Answer]) -> Answer:
        assert self._http is not None
        try:
            data = msgspec.json.encode(question)
        except UnicodeEncodeError as error:
            raise PersistenceRefused(f"{path}: {error.reason}") from error
        try:
            async with self._turns, self._http.post(self._url + path, data=data) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PersistenceAway(f"{path}: {type(error).__name__}") from error
        if response.status != 200:
            kind_of_failure = PersistenceAway if response.status in _AWAY else PersistenceRefused
            raise kind_of_failure(f"{path}: status {response.status}")
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise PersistenceAway(f"{path}: {error}") from error
