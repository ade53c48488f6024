"""Batches of commands over a connection that is kept: for who has something for Redis with every request.

redis-py's pool costs each batch as much as ten commands, and its deadline for each answer, a timer of the loop's, more
than the command that is answered.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from shared.redis import ANSWER_SECONDS, RedisClient

Command = tuple[str | bytes | int | float, ...]

_CLOSED = (RedisConnectionError, OSError, RuntimeError)
"""How a connection shows that Redis closed it; RuntimeError is uvloop's."""


class Batches:
    """One batch after the other. Its connection is of the client's pool, and ends with the client.

    In a cluster, where each command may want another node (`over_nodes`), redis-py's pipeline serves.
    """

    def __init__(self, redis: RedisClient, *, answer_seconds: float | None = ANSWER_SECONDS) -> None:
        self._redis = redis
        self.named = redis.named
        self._answer_seconds = answer_seconds
        self._connection: AbstractConnection | None = None
        self._turn = asyncio.Lock()
        self.over_nodes = not isinstance(redis, Redis)

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Their answers, in order; in place of one, what its command failed with: the ResponseError of Redis, or in a
        cluster whatever a node that is away leads to.

        Where Redis has closed the connection, on a new one: then some commands may run twice. Raises REDIS_FAILURES
        where there is no answer within `answer_seconds` (None: the caller sees to it), the wait for earlier batches
        included; some may have run.
        """
        async with asyncio.timeout(self._answer_seconds), self._turn:
            if not isinstance(self._redis, Redis):
                return await self._pipelined(commands)
            if self._connection is not None and self._connection.is_connected:
                try:
                    return await self._exchange(self._connection, commands)
                except _CLOSED:
                    pass
            return await self._exchange(await self._connected(self._redis), commands)

    async def _connected(self, redis: Redis) -> AbstractConnection:
        if self._connection is None:
            connection = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
            connection.socket_timeout = None  # `answer_seconds` bounds the whole batch
            self._connection = connection
        return self._connection

    async def _exchange(self, connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
        """Connects where it must. Whatever ends this early ends the connection: its answers are no later batch's."""
        packed = b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]
        try:
            await connection.send_packed_command(packed, check_health=False)
            return [await _answer(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    async def _pipelined(self, commands: Sequence[Command]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return list(await pipeline.execute(raise_on_error=False))


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as refused:
        return refused


def successes(answers: list[Any]) -> list[Any]:
    """The same answers. Raises the first failure among them."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
