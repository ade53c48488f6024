"""Asks a deployment, over REST alone, what is true at the end: what the histories are compared with."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress

from services.verify.history import Truth
from services.verify.rest import Json, Refused, Rest
from shared.clock import iso_from_ms, now_ms

PAGE = 100
CLOCKS_DIFFER_MS = 5000
"""At the most, those of two machines."""
AT_ONCE = 16


async def gather(
    users: Mapping[str, Rest], conversations: Mapping[str, Sequence[str]], hideable: Mapping[str, Sequence[str]]
) -> Truth:
    """The truth about these conversations (id -> members), each asked by members of it. Raises Refused.

    The `hideable` are others, which their members hide now and then.
    """
    truth = Truth(
        asked_at=iso_from_ms(now_ms() - CLOCKS_DIFFER_MS),
        members={one: list(members) for one, members in conversations.items()},
        hideable={one: list(members) for one, members in hideable.items()},
    )
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(question: Coroutine[None, None, None]) -> None:
        async with turns:
            await question

    async with asyncio.TaskGroup() as group:
        for conversation_id, members in conversations.items():
            group.create_task(ask(_messages(truth, users[members[0]], conversation_id)))
    async with asyncio.TaskGroup() as group:
        for user_id, rest in users.items():
            group.create_task(ask(_list(truth, user_id, rest)))
            group.create_task(ask(_reach(truth, user_id, rest)))
    return truth


async def presence(asker: Rest, users: Sequence[str]) -> dict[str, bool]:
    """Who of them is online, as `asker` is told: people who share a conversation with them. Who is unknown is left out:
    the check then waits for them."""
    answer = await asker.persist("GET", "/api/presence?userIds=" + ",".join(users))
    return {one["userId"]: one["isOnline"] for one in answer["presence"]}


async def _messages(truth: Truth, rest: Rest, conversation_id: str) -> None:
    """All of them, by seq, read by keyset from the beginning."""
    rows = truth.messages.setdefault(conversation_id, [])
    while True:
        after = rows[-1][0] if rows else 0
        path = f"/api/conversations/{conversation_id}/messages?after={after}&limit={PAGE}"
        answer = await rest.persist("GET", path)
        page, truth.heads[conversation_id] = answer["messages"], answer["asOfSeq"]
        rows += [(one["seq"], one["id"], one["text"]) for one in page]
        if len(page) < PAGE:
            return


async def _list(truth: Truth, user_id: str, rest: Rest) -> None:
    cursor: str | None = ""
    unread = 0
    listed = truth.listed.setdefault(user_id, {})
    while cursor is not None:
        page = await rest.persist("GET", f"/api/conversations?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""))
        for one in page["conversations"]:
            newest = one["lastMessage"]
            listed[one["id"]] = None if newest is None else (newest["seq"], newest["id"])
            unread += one["unreadCount"]
            if one["id"] in truth.messages:
                truth.unread[user_id, one["id"]] = one["unreadCount"]
                truth.read[user_id, one["id"]] = one["readSeq"]
        cursor = page["nextCursor"]
    with suppress(Refused):  # an older release, which does not count over all
        truth.totals[user_id] = unread, (await rest.persist("GET", "/api/unread"))["messages"]


async def _reach(truth: Truth, user_id: str, rest: Rest) -> None:
    """How far the others of each of the user's conversations have it all."""
    known = {one: truth.head(one) for one in truth.messages if user_id in truth.members[one]}
    question: Json = {"conversations": known}
    while question:
        answer = await rest.persist("POST", "/api/sync", question)
        for conversation_id in known.keys() & answer["conversations"].keys():
            told = answer["conversations"][conversation_id]
            truth.delivered_up_to[user_id, conversation_id] = told["deliveredUpTo"]
            truth.read_up_to[user_id, conversation_id] = told["readUpTo"]
        question = {"conversations": known, "after": answer["next"]} if answer.get("next") else {}
