"""Tells webhooks what a request did that is in no log: a block, a report, what a moderator did.

Apart from the features, which know no webhooks; in a transaction of its own after theirs, as the contract has it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp.web import StreamResponse

from persistence.database.pool import Pool
from persistence.webhooks.noting import Hooks
from shared.http.endpoint import Call, Endpoint, Handler, NothingNew, Reply
from shared.ids import new_id

Answer = msgspec.Struct | Reply | StreamResponse
Told = dict[str, Any] | None
"""The data of what is told; None: nothing is."""


def observed(endpoints: Iterable[Endpoint], pool: Pool, hooks: Hooks) -> list[Endpoint]:
    """The same endpoints; those that are of interest note what they did."""
    return [_observed(one, pool, hooks) for one in endpoints]


def _observed(endpoint: Endpoint, pool: Pool, hooks: Hooks) -> Endpoint:
    if endpoint.name in _OF_USERS:
        kind, told = _OF_USERS[endpoint.name]
        return replace(endpoint, handler=_noting(endpoint.handler, pool, hooks, kind, told))
    if endpoint.role and endpoint.method != "GET":
        return replace(endpoint, handler=_noting(endpoint.handler, pool, hooks, ACTION, _action(endpoint.name)))
    return endpoint


def _noting(
    handler: Handler, pool: Pool, hooks: Hooks, kind: str, told: Callable[[Call[Any, Any], Any], Told]
) -> Handler:
    async def handle(call: Call[Any, Any]) -> Answer:
        answer = await handler(call)
        if hooks.wants(kind) and not isinstance(answer, NothingNew):
            data = told(call, answer)
            if data is not None:
                await hooks.note(pool, kind, new_id(), data)
        return answer

    return handle


def _block(call: Call[Any, Any], _: Any) -> Told:
    return {"userId": call.user_id, "blockedId": call.ids["user"]}


def _report(call: Call[Any, Any], answer: Any) -> Told:
    """Of a new one. Its words stay where the reviewers read them."""
    if not isinstance(answer, Reply) or answer.status != 201:
        return None
    given = call.body
    target = {"messageId": given.message_id, "conversationId": given.conversation_id, "userId": given.user_id}
    report = msgspec.to_builtins(answer.body)["report"]
    return {"reportId": report["id"], "reporterId": call.user_id, "reason": str(given.reason), **target}


def _action(name: str) -> Callable[[Call[Any, Any], Any], Told]:
    def told(call: Call[Any, Any], _: Any) -> Told:
        """Who did what to what; the reason as it was given, if one was."""
        actor, given = call.actor, msgspec.to_builtins(call.body)
        words = {field: given[field] for field in ("action", "reason", "until") if given.get(field) is not None}
        return {"operation": name, "actorKind": actor.kind, "actorId": actor.id, **call.ids, **words}

    return told


ACTION = "moderation.action"
_OF_USERS: dict[str, tuple[str, Callable[[Call[Any, Any], Any], Told]]] = {
    "putBlock": ("user.blocked", _block),
    "createReport": ("report.created", _report),
}
